//! `network disconnect`: takes a container off a network.

use corten_api::network::NetworkDisconnectBody;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[Flag::new("force", Kind::Bool, "Take it off even if the container is gone").short('f')];

pub(super) const VERB: Verb = Verb {
    names: &["disconnect"],
    shortcut: None,
    usage: "[OPTIONS] NETWORK CONTAINER",
    about: "Disconnect a container from a network",
    arguments: Arguments::Exactly(2),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: disconnect,
};

fn disconnect(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let client = invocation.client()?;
    let body = NetworkDisconnectBody {
        container: parsed.arguments[1].clone(),
        force: parsed.on("force"),
    };
    block_on(async { Ok(client.disconnect_network(&parsed.arguments[0], &body).await?) })
}
