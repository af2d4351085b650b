//! `commit`: makes an image of a container.

use corten_base::reference::Reference;
use corten_client::CommitOptions;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new(
        "author",
        Kind::Text,
        "Who made the image (e.g. \"Jane Doe <jane@example.org>\")",
    )
    .short('a'),
    Flag::new("change", Kind::List, "Apply a Dockerfile instruction to the image").short('c'),
    Flag::new("message", Kind::Text, "Comment in the image's history").short('m'),
    Flag::new("pause", Kind::Bool, "Pause the container meanwhile")
        .short('p')
        .default("true"),
];

pub(super) const VERB: Verb = Verb {
    names: &["commit"],
    shortcut: Some("commit"),
    usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    about: "Create a new image from a container's changes",
    arguments: Arguments::Between(1, 2),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: commit,
};

fn commit(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let (repository, tag) = match parsed.arguments.get(1).filter(|name| !name.is_empty()) {
        Some(name) => repository(name)?,
        None => (String::new(), String::new()),
    };
    let options = CommitOptions {
        container: parsed.arguments[0].clone(),
        repository,
        tag,
        author: parsed.text_or_empty("author"),
        message: parsed.text_or_empty("message"),
        changes: parsed.owned("change"),
        running: !parsed.bool("pause").unwrap_or(true),
    };
    let client = invocation.client()?;
    let made = block_on(async { Ok(client.commit_container(&options).await?) })?;
    output::line(&made.id)
}

/// The full name and the tag of the new image.
fn repository(name: &str) -> Result<(String, String), Failure> {
    let named = Reference::parse(name).map_err(|error| Failure::new(error.to_string()))?;
    if named.digest().is_some() {
        return Err(Failure::new("refusing to create a tag with a digest reference"));
    }
    let named = named.or_latest();
    Ok((named.name(), named.tag().unwrap_or_default().to_owned()))
}
