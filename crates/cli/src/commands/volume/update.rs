//! `volume update`: changes a cluster volume, which no engine without a swarm has.

use corten_api::volume::Volume;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb, block_on};

/// Flags about cluster volumes.
pub(super) const CLUSTER_FLAGS: &[Flag] = &[
    AVAILABILITY,
    Flag::new("group", Kind::Text, "").hidden(),
    Flag::new("limit-bytes", Kind::Bytes, "").hidden(),
    Flag::new("required-bytes", Kind::Bytes, "").hidden(),
    Flag::new("scope", Kind::Text, "").hidden(),
    Flag::new("secret", Kind::Map, "").hidden(),
    Flag::new("sharing", Kind::Text, "").hidden(),
    Flag::new("topology-preferred", Kind::List, "").hidden(),
    Flag::new("topology-required", Kind::List, "").hidden(),
    Flag::new("type", Kind::Text, "").hidden(),
];

const AVAILABILITY: Flag = Flag::new("availability", Kind::Text, "").hidden();

const FLAGS: &[Flag] = &[AVAILABILITY];

pub(super) const VERB: Verb = Verb {
    names: &["update"],
    shortcut: None,
    usage: "[OPTIONS] [VOLUME]",
    about: "Update a volume (cluster volumes only)",
    arguments: Arguments::Exactly(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: update,
};

fn update(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let client = invocation.client()?;
    let name = &parsed.arguments[0];
    let answer = block_on(async { Ok(client.inspect_volume_raw(name).await?) })?;
    let volume: Volume = serde_json::from_slice(&answer)
        .map_err(|error| Failure::new(format!("cannot read the daemon's answer: {error}")))?;
    // A swarm's volumes are known by their scope; this program cannot change them yet.
    Err(Failure::new(if volume.scope == "global" {
        "changing a cluster volume is not supported yet"
    } else {
        "can only update cluster volumes"
    }))
}
