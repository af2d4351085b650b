//! `events`: what happens, as it happens.

use bytes::Bytes;
use corten_api::Filters;
use corten_api::event::EventMessage;
use corten_base::Timestamp;
use corten_client::{CallError, Client, Objects};
use corten_template::Type;

use crate::failure::{BAD_TEMPLATE, Failure};
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Template, TemplateError};
use crate::stream::{Patience, instant};
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
    let wanted = Wanted {
        since: time(parsed, "since")?,
        until: time(parsed, "until")?,
        filters: filters(parsed),
    };
    let client = invocation.client()?;
    block_on(follow(&client, wanted, &view))
}

/// What is asked for.
struct Wanted {
    since: String,
    until: String,
    filters: Filters,
}

/// Prints events over restarts of the engine, whose history tells what happened while nobody listened.
async fn follow(client: &Client, mut wanted: Wanted, view: &View) -> Result<(), Failure> {
    let mut seen = Seen::new(Timestamp::now());
    let mut patience = Patience::default();
    let mut events = client.events(&wanted.since, &wanted.until, &wanted.filters).await?;
    loop {
        let error = match events.next().await {
            Ok(Some(text)) => {
                patience.renew();
                if seen.is_new(&text) {
                    output::line(&line(&text, view)?)?;
                }
                continue;
            }
            Ok(None) => return Ok(()),
            Err(error) => error,
        };
        wanted.since = seen.resume(&wanted.since);
        events = again(client, &wanted, &mut patience, error).await?;
    }
}

/// Asks for events anew after `error`.
async fn again(
    client: &Client,
    wanted: &Wanted,
    patience: &mut Patience,
    mut error: CallError,
) -> Result<Objects, CallError> {
    loop {
        patience.after(error).await?;
        match client.events(&wanted.since, &wanted.until, &wanted.filters).await {
            Ok(events) => return Ok(events),
            Err(other) => error = other,
        }
    }
}

/// Which events were printed, so far as that matters for going on: those of the last moment.
struct Seen {
    began: Timestamp,
    /// Nanoseconds since 1970.
    nanos: i64,
    texts: Vec<Bytes>,
    /// Whether events of the last moment may come again.
    resumed: bool,
}

impl Seen {
    fn new(began: Timestamp) -> Self {
        Self {
            began,
            nanos: 0,
            texts: Vec::new(),
            resumed: false,
        }
    }

    /// Whether an event was not there before.
    fn is_new(&mut self, text: &Bytes) -> bool {
        let nanos = serde_json::from_slice::<EventMessage>(text).map_or(0, |event| event.time_nano);
        if nanos != self.nanos {
            (self.nanos, self.resumed) = (nanos, false);
            self.texts.clear();
        } else if self.resumed && self.texts.contains(text) {
            return false;
        }
        self.texts.push(text.clone());
        true
    }

    /// The time to ask for after the engine was away: that of the last event; that of the first question if there was
    /// none and the user gave none.
    fn resume(&mut self, since: &str) -> String {
        self.resumed = true;
        match self.nanos {
            0 if since.is_empty() => instant(self.began),
            0 => since.to_owned(),
            nanos => instant(moment_of(nanos)),
        }
    }
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

fn moment_of(nanos: i64) -> Timestamp {
    let subsecond = u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0);
    Timestamp::from_unix(nanos.div_euclid(1_000_000_000), subsecond)
}

/// `<time> <type> <action> <id> (<attributes>)`.
fn plain(event: &EventMessage, zone: &Zone) -> String {
    let nanos = event.time_nano;
    let time = if nanos == 0 {
        Timestamp::from_unix(event.time, 0)
    } else {
        moment_of(nanos)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn event(nanos: i64, id: &str) -> Bytes {
        format!(
            r#"{{"Type":"container","Action":"start","Actor":{{"ID":"{id}","Attributes":{{}}}},"timeNano":{nanos}}}"#
        )
        .into()
    }

    #[test]
    fn goes_on_behind_the_last_event() {
        let mut seen = Seen::new(Timestamp::from_unix(7, 5));
        assert_eq!(seen.resume(""), "7.000000005");
        assert_eq!(seen.resume("3"), "3");
        assert!(seen.is_new(&event(8_000_000_001, "a")));
        assert!(seen.is_new(&event(8_000_000_001, "b")));
        assert_eq!(seen.resume("3"), "8.000000001");
        assert!(!seen.is_new(&event(8_000_000_001, "a")));
        assert!(!seen.is_new(&event(8_000_000_001, "b")));
        assert!(seen.is_new(&event(8_000_000_001, "c")));
        assert!(seen.is_new(&event(9_000_000_000, "a")));
        // Not after a restart: the same thing happened twice.
        assert!(seen.is_new(&event(9_000_000_000, "a")));
    }
}
