//! `inspect`: everything about objects of any kind, and what the other `inspect` commands share.

use std::borrow::Cow;

use bytes::Bytes;
use corten_client::{CallError, Client};
use corten_template::Type;
use serde_json::value::RawValue;

use crate::failure::{BAD_TEMPLATE, Failure};
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::Template;
use crate::verb::{Arguments, Invocation, Verb, block_on};
use crate::{json, output, schema};

const FLAGS: &[Flag] = &[
    Flag::new("format", Kind::Text, "Print by a template, or as json").short('f'),
    Flag::new("size", Kind::Bool, "Show the size of files of containers").short('s'),
    Flag::new("type", Kind::Text, "Only look for this kind of object"),
];

pub(super) const VERB: Verb = Verb {
    names: &["inspect"],
    shortcut: Some("inspect"),
    usage: "[OPTIONS] NAME|ID [NAME|ID...]",
    about: "Return low-level information on Corten objects",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: inspect,
};

/// Spaces per level, as Docker indents.
const INDENT: usize = 4;

/// What was found, and what was not.
#[derive(Debug, Default)]
pub(in crate::commands) struct Found {
    entries: Vec<Entry>,
}

/// What became of one name.
#[derive(Debug)]
enum Entry {
    Object(String, Option<&'static Type>),
    Missing(String),
}

impl Found {
    /// Takes an engine's answer about an object that has no type. An engine that does not answer ends it all.
    pub(in crate::commands) fn add(&mut self, answer: Result<Bytes, CallError>) -> Result<(), Failure> {
        self.add_as(None, answer)
    }

    /// The same about an object that Docker's client knows as `kind`.
    pub(in crate::commands) fn add_as(
        &mut self,
        kind: Option<&'static Type>,
        answer: Result<Bytes, CallError>,
    ) -> Result<(), Failure> {
        match answer {
            Ok(bytes) => {
                let text = match std::str::from_utf8(&bytes) {
                    Ok(text) => Cow::Borrowed(text),
                    Err(_) => String::from_utf8_lossy(&bytes),
                };
                self.entries.push(Entry::Object(text.trim().to_owned(), kind));
            }
            Err(error) if error.is_unreachable() => return Err(error.into()),
            Err(error) => self.miss(error.to_string()),
        }
        Ok(())
    }

    /// What `ask` finds of each name, as objects of one kind.
    pub(in crate::commands) async fn each(
        names: &[String],
        kind: &'static Type,
        ask: impl AsyncFn(&str) -> Result<Bytes, CallError>,
    ) -> Result<Self, Failure> {
        let mut found = Self::default();
        for name in names {
            found.add_as(Some(kind), ask(name).await)?;
        }
        Ok(found)
    }

    fn list(&self) -> String {
        let texts = self.entries.iter().filter_map(|entry| match entry {
            Entry::Object(text, _) => Some(text.as_str()),
            Entry::Missing(_) => None,
        });
        format!("[{}]", texts.collect::<Vec<_>>().join(","))
    }

    /// Notes what is missing.
    pub(in crate::commands) fn miss(&mut self, text: String) {
        self.entries.push(Entry::Missing(text));
    }
}

/// Prints what was found, then fails with what was not.
pub(in crate::commands) fn show(format: Option<&str>, found: Found) -> Result<(), Failure> {
    let broken = |error: serde_json::Error| Failure::new(format!("cannot read the daemon's answer: {error}"));
    let mut errors = Vec::new();
    match format {
        None | Some("") => {
            let list = found.list();
            output::line(&json::indent(&list, INDENT).map_err(broken)?)?;
        }
        Some("json") => {
            let list = found.list();
            output::line(&json::compact(&list).map_err(broken)?)?;
        }
        Some(format) => {
            let template = Template::parse(format).map_err(|error| Failure::from(error).code(BAD_TEMPLATE))?;
            let mut text = String::new();
            for entry in &found.entries {
                match entry {
                    Entry::Missing(reason) => errors.push(reason.clone()),
                    Entry::Object(object, kind) => {
                        let raw: &RawValue = serde_json::from_str(object).map_err(broken)?;
                        match template.fill_as(raw, *kind) {
                            Ok(filled) => text.push_str(&(filled + "\n")),
                            Err(error) => errors.push(error.to_string()),
                        }
                    }
                }
            }
            output::print(if text.is_empty() { "\n" } else { &text })?;
            return ended(&errors);
        }
    }
    errors.extend(found.entries.into_iter().filter_map(|entry| match entry {
        Entry::Missing(reason) => Some(reason),
        Entry::Object(..) => None,
    }));
    ended(&errors)
}

fn ended(errors: &[String]) -> Result<(), Failure> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(errors.join("\n")))
    }
}

/// Kinds of objects and how the API spells them, in the order in which a bare name is looked up.
const KINDS: [(&str, &str); 10] = [
    ("container", "containers"),
    ("image", "images"),
    ("network", "networks"),
    ("volume", "volumes"),
    ("service", "services"),
    ("task", "tasks"),
    ("node", "nodes"),
    ("plugin", "plugins"),
    ("secret", "secrets"),
    ("config", "configs"),
];

fn inspect(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let kind = parsed.text("type").filter(|kind| !kind.is_empty());
    if let Some(kind) = kind
        && !KINDS.iter().any(|(name, _)| *name == kind)
    {
        return Err(Failure::new(format!(
            "unknown type: {kind:?}: must be one of \"config\", \"container\", \"image\", \"network\", \"node\", \"plugin\", \"secret\", \"service\", \"task\", \"volume\""
        )));
    }
    let client = invocation.client()?;
    let found = block_on(async {
        let mut found = Found::default();
        for name in &parsed.arguments {
            match find(&client, name, kind, parsed.on("size")).await? {
                Some((kind, answer)) => found.add_as(kind, answer)?,
                None => found.miss(format!("Error: No such object: {name}")),
            }
        }
        Ok(found)
    })?;
    show(parsed.text("format"), found)
}

/// An answer and how Docker's client knows the object.
type Answer = (Option<&'static Type>, Result<Bytes, CallError>);

fn schema_of(kind: &str) -> Option<&'static Type> {
    match kind {
        "container" => Some(&schema::CONTAINER),
        "image" => Some(&schema::IMAGE),
        "network" => Some(&schema::NETWORK),
        "volume" => Some(&schema::VOLUME),
        _ => None,
    }
}

async fn find(client: &Client, name: &str, wanted: Option<&str>, size: bool) -> Result<Option<Answer>, Failure> {
    for (kind, path) in KINDS
        .iter()
        .filter(|(kind, _)| wanted.is_none_or(|wanted| wanted == *kind))
    {
        let answer = match *kind {
            "container" => client.inspect_container_raw(name, size).await,
            "image" => client.inspect_image_raw(name, "").await,
            "plugin" => client.inspect_raw(path, &format!("{name}/json")).await,
            _ => client.inspect_raw(path, name).await,
        };
        match answer {
            Err(error) if error.is_unreachable() => return Err(error.into()),
            // Not there, or of a kind that this engine does not keep.
            Err(error) if error.is_not_found() && wanted.is_none() => {}
            Err(_) if wanted.is_none() && *kind != "container" && *kind != "image" => {}
            answer => return Ok(Some((schema_of(kind), answer))),
        }
    }
    Ok(None)
}
