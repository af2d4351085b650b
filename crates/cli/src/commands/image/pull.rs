//! `pull`: fetches an image from its registry.

use std::io::{self, IsTerminal as _};

use corten_base::reference::Reference;
use corten_client::PullOptions;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::output;
use crate::progress;
use crate::trust;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("all-tags", Kind::Bool, "Fetch every tag of the repository").short('a'),
    Flag::new("disable-content-trust", Kind::Bool, "Skip image verification").hidden(),
    Flag::new("platform", Kind::Text, "Platform of the image"),
    Flag::new("quiet", Kind::Bool, "Do not show progress").short('q'),
];

pub(super) const VERB: Verb = Verb {
    names: &["pull"],
    shortcut: Some("pull"),
    usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
    about: "Download an image from a registry",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: pull,
};

fn pull(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let given = Reference::parse(&parsed.arguments[0]).map_err(|error| Failure::new(error.to_string()))?;
    let (all, quiet) = (parsed.on("all-tags"), parsed.on("quiet"));
    if all && (given.tag().is_some() || given.digest().is_some()) {
        return Err(Failure::new("tag can't be used with --all-tags/-a"));
    }
    let untagged = given.tag().is_none() && given.digest().is_none();
    let reference = if all { given } else { given.or_latest() };
    if untagged && !all && !quiet {
        output::line(&format!("Using default tag: {}", reference.tag().unwrap_or_default()))?;
    }
    trust::refuse(&parsed.arguments[0], parsed)?;
    let tag = reference.digest().map(|digest| digest.to_string());
    let tag = tag.or_else(|| reference.tag().map(str::to_owned)).unwrap_or_default();
    let platform = parsed.text("platform").map(str::to_owned);
    let platform = platform
        .or_else(|| std::env::var("DOCKER_DEFAULT_PLATFORM").ok())
        .unwrap_or_default();
    let options = PullOptions {
        image: reference.name(),
        tag,
        platform,
        auth: crate::credentials::for_image(&invocation.globals, &reference),
    };
    let client = invocation.client()?;
    let terminal = io::stdout().is_terminal();
    block_on(async {
        let messages = client.pull_image(&options).await?;
        if quiet {
            progress::show(messages, &mut io::sink(), false).await
        } else {
            progress::show(messages, &mut io::stdout(), terminal).await
        }
    })?;
    output::line(&full_name(&reference))
}

/// The name with its registry, tag and digest.
fn full_name(reference: &Reference) -> String {
    let tag = reference.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
    let digest = reference
        .digest()
        .map(|digest| format!("@{digest}"))
        .unwrap_or_default();
    format!("{}{tag}{digest}", reference.name())
}
