//! `cp`: copies files and directories between a container and this host; `volume cp` does so with a volume.

mod from_container;
mod progress;
mod to_container;

use std::io::{self, IsTerminal as _};

use corten_client::FilesOf;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("archive", Kind::Bool, "Keep the user and group numbers of all files").short('a'),
    Flag::new("follow-link", Kind::Bool, "Copy what a link in SRC_PATH leads to").short('L'),
    Flag::new(
        "quiet",
        Kind::Bool,
        "Do not show progress; without a terminal it never is",
    )
    .short('q'),
];

pub(super) const VERB: Verb = Verb {
    names: &["cp"],
    shortcut: Some("cp"),
    usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tdocker cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
    about: "Copy files/folders between a container and the local filesystem",
    arguments: Arguments::Exactly(2),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: copy,
};

/// A copy as it was asked for.
struct Order {
    of: FilesOf,
    source: String,
    target: String,
    follow: bool,
    keep_owners: bool,
    quiet: bool,
}

fn copy(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    run(invocation, parsed, FilesOf::Container)
}

/// Copies as the arguments say, one of which names what `of` makes of it.
pub(in crate::commands) fn run(
    invocation: &Invocation,
    parsed: &Parsed,
    of: fn(String) -> FilesOf,
) -> Result<(), Failure> {
    let (source, target) = (&parsed.arguments[0], &parsed.arguments[1]);
    if source.is_empty() {
        return Err(Failure::new("source can not be empty"));
    }
    if target.is_empty() {
        return Err(Failure::new("destination can not be empty"));
    }
    let order = |name: &str, source: &str, target: &str| Order {
        of: of(name.to_owned()),
        source: source.to_owned(),
        target: target.to_owned(),
        follow: parsed.on("follow-link"),
        keep_owners: parsed.on("archive"),
        quiet: parsed.bool("quiet").unwrap_or(!io::stdout().is_terminal()),
    };
    let client = invocation.client()?;
    let is_volume = matches!(of(String::new()), FilesOf::Volume(_));
    match (in_container(source), in_container(target)) {
        (Some(_), Some(_)) if is_volume => Err(Failure::new(
            "copying between volumes is not supported, `volume clone` makes a copy of one",
        )),
        (Some(_), Some(_)) => Err(Failure::new("copying between containers is not supported")),
        (Some((container, path)), None) => block_on(from_container::copy(&client, &order(container, path, target))),
        (None, Some((container, path))) => block_on(to_container::copy(&client, &order(container, source, path))),
        (None, None) if is_volume => Err(Failure::new("must specify at least one volume source")),
        (None, None) => Err(Failure::new("must specify at least one container source")),
    }
}

/// `container:path`; nothing if the argument means a path on this host: `/a:b`, `./a:b`, `a`.
fn in_container(argument: &str) -> Option<(&str, &str)> {
    let (container, path) = argument.split_once(':')?;
    let local = argument.starts_with('/') || container.is_empty() || container.starts_with('.');
    (!local).then_some((container, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_side_an_argument_is_on() {
        assert_eq!(in_container("c:/x"), Some(("c", "/x")));
        assert_eq!(in_container("c:"), Some(("c", "")));
        assert_eq!(in_container("c:x:y"), Some(("c", "x:y")));
        for local in ["/a:b", "./a:b", "..:b", "a", "-", ":x"] {
            assert_eq!(in_container(local), None, "{local}");
        }
    }
}
