//! `events`: what happens, as it happens.

use corten_api::event::EventMessage;
use corten_base::Timestamp;
use corten_template::Type;

use crate::failure::{BAD_TEMPLATE, Failure};
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Template, TemplateError};
use crate::verb::{Arguments, Invocation, Verb, block_on, filters};
use crate::{output, schema};
use corten_base::moment;
use corten_base::zone::Zone;

const FLAGS: &[Flag] = &[
    Flag::new("filter", Kind::Filter, "Show only what fulfils the condition").short('f'),
    Flag::new("format", Kind::Text, "Print each by a template, or as json"),
    Flag::new("since", Kind::Text, "Begin with what happened since then"),
    Flag::new("until", Kind::Text, "End then"),
];

pub(super) const VERB: Verb = Verb {
    names: &["events"],
    shortcut: Some("events"),
    usage: "[OPTIONS]",
    about: "Get real time events from the server",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: events,
};

fn events(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let format = parsed.text("format").filter(|format| !format.is_empty());
    let view = View {
        template: format.map(template).transpose()?,
        zone: Zone::local(),
    };
    let (since, until) = (time(parsed, "since")?, time(parsed, "until")?);
    let client = invocation.client()?;
    block_on(async {
        let mut events = client.events(&since, &until, &filters(parsed)).await?;
        while let Some(text) = events.next().await? {
            output::line(&line(&text, &view)?)?;
        }
        Ok(())
    })
}

/// The template, tried on an event without content.
fn template(format: &str) -> Result<Template, Failure> {
    let complaint = |error: TemplateError| {
        let reason = match error {
            TemplateError::Read(error) => error.to_string(),
            TemplateError::Run(error) | TemplateError::Bare(error) => error.to_string(),
            TemplateError::Decode(error) => error.to_string(),
        };
        Failure::new(format!("Error parsing format: {reason}")).code(BAD_TEMPLATE)
    };
    let format = if format == "json" { "{{json .}}" } else { format };
    let template = Template::parse(format).map_err(complaint)?;
    template
        .fill_only("{}", &Type::Pointer(&schema::EVENT))
        .map_err(complaint)?;
    Ok(template)
}

struct View {
    template: Option<Template>,
    zone: Zone,
}

fn time(parsed: &Parsed, flag: &str) -> Result<String, Failure> {
    match parsed.text(flag) {
        None | Some("") => Ok(String::new()),
        Some(text) => {
            moment::parse(text, Timestamp::now(), &Zone::local()).map_err(|error| Failure::new(error.to_string()))
        }
    }
}

fn line(text: &[u8], view: &View) -> Result<String, Failure> {
    let broken = |error: serde_json::Error| Failure::new(format!("cannot read the daemon's event: {error}"));
    if let Some(template) = &view.template {
        return Ok(template.fill_only(&String::from_utf8_lossy(text), &schema::EVENT)?);
    }
    Ok(plain(&serde_json::from_slice(text).map_err(broken)?, &view.zone))
}

/// `<time> <type> <action> <id> (<attributes>)`.
fn plain(event: &EventMessage, zone: &Zone) -> String {
    let nanos = event.time_nano;
    let time = if nanos == 0 {
        Timestamp::from_unix(event.time, 0)
    } else {
        let subsecond = u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0);
        Timestamp::from_unix(nanos.div_euclid(1_000_000_000), subsecond)
    };
    let mut text = format!(
        "{} {} {} {}",
        zone.rfc3339(time, true),
        event.kind,
        event.action,
        event.actor.id
    );
    if !event.actor.attributes.is_empty() {
        let attributes = event
            .actor
            .attributes
            .iter()
            .map(|(key, value)| format!("{key}={value}"));
        text.push_str(&format!(" ({})", attributes.collect::<Vec<_>>().join(", ")));
    }
    text
}
