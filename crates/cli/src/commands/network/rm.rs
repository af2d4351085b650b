//! `network rm`: removes networks.

use corten_client::Client;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb, block_on};
use crate::{output, prompt};

const FLAGS: &[Flag] = &[Flag::new(
    "force",
    Kind::Bool,
    "Do not complain about a network that does not exist",
)
.short('f')];

pub(super) const VERB: Verb = Verb {
    names: &["rm", "remove"],
    shortcut: None,
    usage: "NETWORK [NETWORK...]",
    about: "Remove one or more networks",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: remove,
};

/// The swarm's own network is not removed without a word.
const INGRESS: &str = "WARNING! Before removing the routing-mesh network, make sure all the nodes in your swarm run the \
                       same docker engine version. Otherwise, removal may not be effective and functionality of newly \
                       created ingress networks will be impaired.\nAre you sure you want to continue?";

fn remove(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let client = invocation.client()?;
    block_on(remove_all(&client, &parsed.arguments, parsed.on("force")))
}

async fn remove_all(client: &Client, names: &[String], force: bool) -> Result<(), Failure> {
    let mut failed = false;
    for name in names {
        let ingress = client.inspect_network(name).await.is_ok_and(|network| network.ingress);
        if ingress && !prompt::confirm(INGRESS)? {
            continue;
        }
        match client.remove_network(name).await {
            Ok(()) => output::line(name)?,
            Err(error) if error.is_unreachable() => return Err(error.into()),
            Err(error) if force && error.is_not_found() => {}
            Err(error) => {
                eprintln!("{error}");
                failed = true;
            }
        }
    }
    if failed {
        return Err(Failure::new("exit status 1"));
    }
    Ok(())
}
