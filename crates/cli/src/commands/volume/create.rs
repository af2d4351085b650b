//! `volume create`: makes a volume.

use corten_api::volume::VolumeCreateBody;

use super::update::CLUSTER_FLAGS;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::option::pair;
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("driver", Kind::Text, "Driver of the volume")
        .short('d')
        .default("\"local\""),
    Flag::new("label", Kind::Checked(pair::check_label), "Label the volume"),
    Flag::new("name", Kind::Text, "").hidden(),
    Flag::new("opt", Kind::Map, "Option of the driver")
        .short('o')
        .default("map[]"),
];

pub(super) const VERB: Verb = Verb {
    names: &["create"],
    shortcut: None,
    usage: "[OPTIONS] [VOLUME]",
    about: "Create a volume",
    arguments: Arguments::AtMost(1),
    rules: Rules {
        tables: &[FLAGS, CLUSTER_FLAGS],
        interspersed: true,
    },
    run: create,
};

fn create(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let name = match (parsed.text("name"), parsed.arguments.first()) {
        (Some(name), Some(_)) if !name.is_empty() => {
            return Err(Failure::new(
                "conflicting options: cannot specify a volume-name through both --name and as a positional arg",
            ));
        }
        (_, Some(name)) => name.clone(),
        (name, None) => name.unwrap_or_default().to_owned(),
    };
    if let Some(flag) = CLUSTER_FLAGS.iter().find(|flag| parsed.is_set(flag.name)) {
        return Err(Failure::new(format!(
            "--{} is not supported yet: there are no cluster volumes",
            flag.name
        )));
    }
    let body = VolumeCreateBody {
        driver: parsed.text("driver").unwrap_or("local").to_owned(),
        driver_opts: pair::map(parsed.list("opt")),
        labels: pair::map(parsed.list("label")),
        name,
    };
    let client = invocation.client()?;
    let made = block_on(async { Ok(client.create_volume(&body).await?) })?;
    output::line(&made.name)
}
