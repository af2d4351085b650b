//! `rmi`: removes names of images, and images with their last name.

use corten_api::image::ImageDeleteItem;

use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::option::platform;
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("force", Kind::Bool, "Remove it even if stopped containers use it").short('f'),
    Flag::new("no-prune", Kind::Bool, "Keep untagged parents"),
    Flag::new("platform", Kind::Strings, "Remove only this platform"),
];

pub(super) const VERB: Verb = Verb {
    names: &["rm", "remove"],
    shortcut: None,
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    about: "Remove one or more images",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: remove,
};

pub(super) const SHORTCUT: Verb = Verb {
    names: &[],
    shortcut: Some("rmi"),
    ..VERB
};

fn remove(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let platforms = parsed.strings("platform");
    let platforms = platforms.iter().map(|given| platform::encoded(Some(given)));
    let platforms: Vec<String> = platforms
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::new(error.to_string()))?;
    let client = invocation.client()?;
    let force = parsed.on("force");
    block_on(async {
        let (mut errors, mut fatal) = (Vec::new(), false);
        for name in &parsed.arguments {
            match client
                .remove_image(name, force, parsed.on("no-prune"), &platforms)
                .await
            {
                Ok(items) => output::print(&items.iter().map(line).collect::<String>())?,
                Err(error) if error.is_unreachable() => return Err(error.into()),
                Err(error) => {
                    fatal |= !error.is_not_found();
                    errors.push(error.to_string());
                }
            }
        }
        match errors.is_empty() {
            true => Ok(()),
            // With --force, what is not there is as good as removed.
            false if force && !fatal => {
                eprintln!("{}", errors.join("\n"));
                Ok(())
            }
            false => Err(Failure::new(errors.join("\n"))),
        }
    })
}

fn line(item: &ImageDeleteItem) -> String {
    match item {
        ImageDeleteItem::Deleted(id) => format!("Deleted: {id}\n"),
        ImageDeleteItem::Untagged(name) => format!("Untagged: {name}\n"),
    }
}
