//! `push`: sends an image to its registry.

use std::io::{self, IsTerminal as _};

use corten_base::reference::Reference;
use corten_client::PushOptions;

use crate::credentials;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::option::platform;
use crate::trust;
use crate::verb::{Arguments, Invocation, Verb, block_on};
use crate::{output, progress};

const FLAGS: &[Flag] = &[
    Flag::new("all-tags", Kind::Bool, "Send every tag of the repository").short('a'),
    Flag::new("disable-content-trust", Kind::Bool, "Skip image signing").hidden(),
    Flag::new("platform", Kind::Text, "Send only this platform of the image"),
    Flag::new("quiet", Kind::Bool, "Do not show progress").short('q'),
];

pub(super) const VERB: Verb = Verb {
    names: &["push"],
    shortcut: Some("push"),
    usage: "[OPTIONS] NAME[:TAG]",
    about: "Upload an image to a registry",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: push,
};

fn push(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let platform = platform::encoded(parsed.text("platform")).map_err(|error| Failure::new(error.to_string()))?;
    let given = Reference::parse(&parsed.arguments[0]).map_err(|error| Failure::new(error.to_string()))?;
    let (all, quiet) = (parsed.on("all-tags"), parsed.on("quiet"));
    if all && given.tag().is_some() {
        return Err(Failure::new("tag can't be used with --all-tags/-a"));
    }
    let untagged = given.tag().is_none();
    let reference = if all { given } else { given.or_latest() };
    if untagged && !all && !quiet {
        output::line(&format!("Using default tag: {}", reference.tag().unwrap_or_default()))?;
    }
    trust::refuse(&parsed.arguments[0], parsed)?;
    let options = PushOptions {
        image: reference.name(),
        tag: reference.tag().unwrap_or_default().to_owned(),
        platform,
        auth: credentials::for_image(&invocation.globals, &reference),
    };
    let client = invocation.client()?;
    let terminal = io::stdout().is_terminal();
    block_on(async {
        let messages = client.push_image(&options).await?;
        if quiet {
            progress::show(messages, &mut io::sink(), false).await
        } else {
            progress::show(messages, &mut io::stdout(), terminal).await
        }
    })?;
    if quiet {
        let tag = reference.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
        output::line(&format!("{}{tag}", reference.name()))?;
    }
    Ok(())
}
