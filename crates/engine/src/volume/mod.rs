//! Volumes of the local driver.
//! ```text
//! <data>/volumes/<name>/volume.json   [`VolumeRecord`]
//!                       _data/        what is mounted; itself a mount while a container uses a volume with options
//!                       .filling/     what the image has, before it becomes `_data`
//! <data>/volumes/.removing-<name>     being deleted
//! <data>/volumes/.making-<random>     being filled; becomes <name> when it is whole
//! ```
//! A volume exists when its `volume.json` does: the directory is the truth. In memory is only who uses a volume and for
//! whom it is mounted, and both come back from the containers' records. All calls block.

mod clone;
mod create;
mod import;
mod lend;
mod list;
mod local;
mod mounted;
mod remove;
mod stage;
mod store;

use std::collections::BTreeMap;

use corten_api::Map;
use corten_base::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use clone::clone;
pub(crate) use create::{check_driver, create};
pub(crate) use import::import;
pub(crate) use lend::{Loan, lend};
pub(crate) use list::{inspect, list, users};
pub(crate) use mounted::{below, unmount};
pub(crate) use remove::{publish_destroy, remove};
pub(crate) use store::{SetAside, Volumes, delete};

use crate::container::name;
use crate::error::{Error, Result};

/// `volume.json`, format 1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeRecord {
    /// Format.
    pub version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Nobody named it.
    pub anonymous: bool,
    /// Options of the driver: `type`, `device`, `o`.
    pub options: BTreeMap<String, String>,
}

/// The label by which Docker marks a volume that nobody named.
const ANONYMOUS: &str = "com.docker.volume.anonymous";

/// Most bytes of a name: it is that of a directory (limits.h).
const NAME_MAX: usize = 255;

/// Checks a volume's name, in Docker's words.
pub fn check_name(text: &str) -> Result<()> {
    if name::is_valid(text) {
        return match text.len() {
            0..=NAME_MAX => Ok(()),
            length => Err(Error::invalid(format!(
                "create {text}: volume name is too long, names should have at most {NAME_MAX} characters, this one has {length}"
            ))),
        };
    }
    let rule = name::RULE;
    if text.len() == 1 {
        return Err(Error::invalid(
            "create ".to_owned()
                + text
                + ": volume name is too short, names should be at least two alphanumeric characters",
        ));
    }
    Err(Error::invalid(format!(
        "create {text}: \"{text}\" includes invalid characters for a local volume name, only \"{rule}\" are allowed. If you intended to pass a host directory, use absolute path"
    )))
}

/// Whether labels satisfy `key` or `key=value`.
pub(crate) fn label_matches(labels: &Map<String>, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((key, value)) => labels.get(key).is_some_and(|own| own == value),
        None => labels.contains_key(wanted),
    }
}

fn missing(name: &str) -> Error {
    Error::not_found(format!("get {name}: no such volume"))
}
