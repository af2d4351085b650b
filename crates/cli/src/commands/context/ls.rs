//! `context ls`: the contexts there are, the one in use marked.

use super::store;
use crate::config::{context_name, default_context_address, host_variable};
use crate::context::DEFAULT;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Column, Listing};
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

const LISTING: Listing<Shown> = Listing {
    kind: "*formatter.clientContextContext",
    columns: &[
        Column::new("Name", "NAME", |shown| Some(shown.name.clone())),
        Column::truth("Current", |shown| shown.current),
        Column::new("Description", "DESCRIPTION", |shown| Some(shown.description.clone())),
        Column::new("DockerEndpoint", "DOCKER ENDPOINT", |shown| Some(shown.host.clone())),
        Column::new("Error", "ERROR", |shown| Some(shown.error.clone())),
    ],
    labels: None,
    table: "{{.Name}}{{if .Current}} *{{end}}\\t{{.Description}}\\t{{.DockerEndpoint}}\\t{{.Error}}",
    quiet: "{{.Name}}",
    raw: "",
};

/// One line.
struct Shown {
    current: bool,
    description: String,
    host: String,
    error: String,
    name: String,
}

fn list(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let all = collect(invocation)?;
    let format = LISTING.template(parsed.text("format"), "", parsed.on("quiet"));
    output::print(&LISTING.print(&format, all)?)?;
    if let Some((variable, _)) = host_variable() {
        crate::speech::tell(&format!(
            "Warning: {variable} environment variable overrides the active context. To use a context, either set the \
             global --context flag, or unset {variable} environment variable."
        ));
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
            error: shorten::ellipsis(&error, ERROR_WIDTH),
            current: true,
        });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}
