//! `context ls`: the contexts there are, the one in use marked.

use super::store;
use crate::config::{context_name, default_context_address, host_variable};
use crate::context::DEFAULT;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Layout, Row, print_rows};
use crate::output;
use crate::text::shorten;
use crate::verb::{Arguments, Invocation, Verb};

const FLAGS: &[Flag] = &[
    Flag::new("format", Kind::Text, "Print each as table, json, or by a template"),
    Flag::new("quiet", Kind::Bool, "Only show names").short('q'),
];

pub(super) const VERB: Verb = Verb {
    names: &["ls", "list"],
    shortcut: None,
    usage: "[OPTIONS]",
    about: "List contexts",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: list,
};

/// What the context that is always there is described by.
pub(super) const DEFAULT_DESCRIPTION: &str = "Current DOCKER_HOST based configuration";

/// Letters of an error that are shown.
const ERROR_WIDTH: usize = 45;

const COLUMNS: [&str; 4] = ["Name", "Description", "DockerEndpoint", "Error"];
const HEADS: [(&str, &str); 4] = [
    ("Name", "NAME"),
    ("Description", "DESCRIPTION"),
    ("DockerEndpoint", "DOCKER ENDPOINT"),
    ("Error", "ERROR"),
];

/// One line.
struct Shown {
    name: String,
    description: String,
    host: String,
    error: String,
    current: bool,
}

fn list(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let all = collect(invocation)?;
    if parsed.on("quiet") {
        output::print(&all.iter().map(|shown| format!("{}\n", shown.name)).collect::<String>())?;
    } else {
        let format = parsed.text("format").unwrap_or_default();
        let marked = format.is_empty() || format == "table";
        let rows: Vec<Row> = all.iter().map(|shown| row(shown, marked)).collect();
        output::print(&print_rows(
            Layout {
                format,
                columns: &COLUMNS,
                heads: &HEADS,
            },
            &rows,
        )?)?;
    }
    if let Some((variable, _)) = host_variable() {
        eprintln!(
            "Warning: {variable} environment variable overrides the active context. To use a context, either set the \
             global --context flag, or unset {variable} environment variable."
        );
    }
    Ok(())
}

/// All contexts by name; the one in use too, when it is not there.
fn collect(invocation: &Invocation) -> Result<Vec<Shown>, Failure> {
    let store = store(invocation);
    let current = context_name(&invocation.globals);
    let mut globals = invocation.globals.clone();
    globals.context = None;
    let mut all = vec![Shown {
        name: DEFAULT.to_owned(),
        description: DEFAULT_DESCRIPTION.to_owned(),
        host: default_context_address(&globals),
        error: String::new(),
        current: current == DEFAULT,
    }];
    let kept = store
        .list()
        .map_err(|error| Failure::new(format!("failed to read metadata: {error}")))?;
    all.extend(kept.iter().map(|meta| Shown {
        name: meta.name.clone(),
        description: meta.description().to_owned(),
        host: meta.engine().map(|(host, _)| host.to_owned()).unwrap_or_default(),
        error: String::new(),
        current: meta.name == current,
    }));
    if !all.iter().any(|shown| shown.current) {
        let error = store
            .load(&current)
            .map_or_else(|error| error.to_string(), |_| String::new());
        all.push(Shown {
            name: current,
            description: String::new(),
            host: String::new(),
            error,
            current: true,
        });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

fn row(shown: &Shown, marked: bool) -> Row {
    let mark = if marked && shown.current { " *" } else { "" };
    let error = match marked {
        true => shorten::ellipsis(&shown.error, ERROR_WIDTH),
        false => shown.error.clone(),
    };
    Row::new([
        ("Name", format!("{}{mark}", shown.name)),
        ("Description", shown.description.clone()),
        ("DockerEndpoint", shown.host.clone()),
        ("Error", error),
        ("Current", shown.current.to_string()),
    ])
}
