//! `tag`: gives an image another name.

use corten_base::reference::Reference;

use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb, block_on};

pub(super) const VERB: Verb = Verb {
    names: &["tag"],
    shortcut: Some("tag"),
    usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    about: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    arguments: Arguments::Exactly(2),
    rules: Rules {
        tables: &[],
        interspersed: true,
    },
    run: tag,
};

fn tag(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let [source, target] = [&parsed.arguments[0], &parsed.arguments[1]];
    let reference = Reference::parse(target).map_err(|error| {
        Failure::new(format!(
            "Error parsing reference: {target:?} is not a valid repository/tag: {error}"
        ))
    })?;
    if reference.digest().is_some() {
        return Err(Failure::new("refusing to create a tag with a digest reference"));
    }
    let reference = reference.or_latest();
    let client = invocation.client()?;
    let tag = reference.tag().unwrap_or_default();
    block_on(async { Ok(client.tag_image(source, &reference.name(), tag).await?) })
}
