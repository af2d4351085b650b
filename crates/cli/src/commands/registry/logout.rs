//! `logout`: forgets the credentials of a registry. Texts observed: docker 28.2.

use crate::credentials::{HUB, Keeper, host_of};
use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::output;
use crate::speech::tell;
use crate::verb::{Arguments, Invocation, Verb};

pub(super) const VERB: Verb = Verb {
    names: &["logout"],
    shortcut: Some("logout"),
    usage: "[SERVER]",
    about: "Log out from a registry",
    arguments: Arguments::AtMost(1),
    rules: Rules {
        tables: &[],
        interspersed: true,
    },
    run: logout,
};

fn logout(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let given = parsed.arguments.first().map_or("", String::as_str);
    let (host, names) = match given {
        "" | "docker.io" | HUB => (HUB, vec![HUB.to_owned()]),
        server => {
            let host = host_of(server);
            // However it may have been written down.
            let mut names = vec![server.to_owned(), format!("http://{host}"), format!("https://{host}")];
            names.extend((host != server).then(|| host.to_owned()));
            (host, names)
        }
    };
    output::line(&format!("Removing login credentials for {host}"))?;
    let erased = |name: &String| {
        Keeper::of(&invocation.globals, name)
            .erase()
            .map_err(|error| (name.clone(), error))
    };
    let (done, failed): (Vec<_>, Vec<_>) = names.iter().map(erased).partition(Result::is_ok);
    if done.is_empty() {
        tell("WARNING: could not erase credentials:");
        for (name, error) in failed.into_iter().filter_map(Result::err) {
            tell(&format!("{name}: {error}"));
        }
    }
    Ok(())
}
