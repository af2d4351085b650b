//! `rm`: removes containers.

use corten_client::RemoveOptions;

use super::each::each;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb};

const FLAGS: &[Flag] = &[
    Flag::new("force", Kind::Bool, "Kill the container first if it runs").short('f'),
    Flag::new("link", Kind::Bool, "Remove the link").short('l'),
    Flag::new("volumes", Kind::Bool, "Remove its anonymous volumes too").short('v'),
];

pub(super) const VERB: Verb = Verb {
    names: &["rm", "remove"],
    shortcut: Some("rm"),
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Remove one or more containers",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: remove,
};

fn remove(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let options = RemoveOptions {
        volumes: parsed.on("volumes"),
        force: parsed.on("force"),
        link: parsed.on("link"),
    };
    let names: Vec<String> = parsed
        .arguments
        .iter()
        .map(|name| name.trim_matches('/').to_owned())
        .collect();
    if names.iter().any(String::is_empty) {
        return Err(Failure::new("Container name cannot be empty"));
    }
    let removed = each(invocation, &names, |client, name| async move {
        client.remove_container(&name, options).await.map(|()| name)
    });
    match removed {
        // With --force, what is not there is as good as removed.
        Err(failure) if options.force && failure.text.lines().all(|line| line.contains("No such container")) => {
            eprintln!("{}", failure.text);
            Ok(())
        }
        other => other,
    }
}
