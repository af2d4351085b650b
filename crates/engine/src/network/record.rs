//! A user-defined network on disk.
//! ```text
//! <data>/networks/<id>.json     [`NetworkRecord`], format 1: written when the network is made, never rewritten
//! <run>/networks/<id>.names     its name table (see `names.rs`); gone at reboot
//! ```
//! The record comes before the bridge and goes after it, so a bridge without a record cannot be left.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use corten_base::Timestamp;
use corten_base::file::write_durable;
use corten_net::Subnet;
use serde::{Deserialize, Serialize};

/// The version written.
pub(crate) const VERSION: u32 = 1;

/// `<id>.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NetworkRecord {
    /// Format.
    pub(crate) version: u32,
    /// Full id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// `bridge`, `macvlan`, `ipvlan`, or `null` for one that only holds configuration.
    pub(crate) driver: String,
    /// It has IPv4.
    pub(crate) ipv4: bool,
    /// It has IPv6.
    pub(crate) ipv6: bool,
    /// It has no way out.
    pub(crate) internal: bool,
    /// As given, shown only; empty: `local`.
    pub(crate) scope: String,
    /// Shown only.
    pub(crate) attachable: bool,
    /// It only holds configuration for others.
    pub(crate) config_only: bool,
    /// The network whose configuration it has; empty: its own.
    pub(crate) config_from: String,
    /// Options as given.
    pub(crate) options: BTreeMap<String, String>,
    /// Labels as given.
    pub(crate) labels: BTreeMap<String, String>,
    /// Options of the address management as given, which a network made without any does not have.
    pub(crate) ipam_options: Option<BTreeMap<String, String>>,
    /// Its subnets, at most one of each family unless it only holds configuration.
    pub(crate) subnets: Vec<SubnetRecord>,
}

/// One subnet of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubnetRecord {
    /// The subnet.
    pub(crate) subnet: Subnet,
    /// The user chose it; containers may ask for addresses of it.
    pub(crate) requested: bool,
    /// The part of it that containers get addresses from.
    #[serde(default)]
    pub(crate) range: Option<Subnet>,
    /// The gateway that the user asked for.
    #[serde(default)]
    pub(crate) gateway: Option<IpAddr>,
    /// Addresses that containers do not get, by the user's names for them.
    #[serde(default)]
    pub(crate) auxiliary: BTreeMap<String, IpAddr>,
}

impl SubnetRecord {
    /// The gateway: what was asked for, else the subnet's first address.
    #[must_use]
    pub(crate) fn effective_gateway(&self) -> IpAddr {
        self.gateway
            .unwrap_or_else(|| corten_net::pool::first_address(self.subnet))
    }
}

impl NetworkRecord {
    /// Its subnet of a family.
    #[must_use]
    pub(crate) fn subnet(&self, ipv4: bool) -> Option<&SubnetRecord> {
        self.subnets
            .iter()
            .find(|entry| entry.subnet.address().is_ipv4() == ipv4)
    }

    /// Writes the record; it is durable then.
    pub(super) fn write(&self, directory: &Path) -> io::Result<()> {
        write_durable(&path(directory, &self.id), &serde_json::to_vec(self)?)
    }

    /// Deletes the record; that it is gone is fine.
    pub(super) fn delete(directory: &Path, id: &str) -> io::Result<()> {
        match fs::remove_file(path(directory, id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// All records of a directory, and what could not be read.
    pub(super) fn read_all(directory: &Path) -> io::Result<(Vec<Self>, Vec<io::Error>)> {
        let (mut records, mut failures) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match fs::read(&path).and_then(|content| Ok(serde_json::from_slice::<Self>(&content)?)) {
                Ok(record) => records.push(record),
                Err(error) => failures.push(io::Error::other(format!("{}: {error}", path.display()))),
            }
        }
        records.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        Ok((records, failures))
    }
}

fn path(directory: &Path, id: &str) -> PathBuf {
    directory.join(format!("{id}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_is_read() {
        let text = r#"{"version":1,"id":"aa","name":"n","driver":"bridge","ipv4":true,
            "subnets":[{"subnet":"10.1.0.0/24","requested":true,"gateway":"10.1.0.9"}]}"#;
        let record: NetworkRecord = serde_json::from_str(text).unwrap();
        let subnet = record.subnet(true).unwrap();
        assert_eq!(subnet.effective_gateway().to_string(), "10.1.0.9");
        assert!(record.subnet(false).is_none() && !record.internal);
    }

    #[test]
    fn records_come_back_and_wrecks_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let record = NetworkRecord {
            version: VERSION,
            id: "ab".repeat(32),
            name: "n1".to_owned(),
            ..NetworkRecord::default()
        };
        record.write(directory.path()).unwrap();
        fs::write(directory.path().join("x.json"), b"{").unwrap();
        fs::write(directory.path().join(".tmp-1-1"), b"{").unwrap();
        let (records, failures) = NetworkRecord::read_all(directory.path()).unwrap();
        assert_eq!((records.as_slice(), failures.len()), (&[record.clone()][..], 1));
        NetworkRecord::delete(directory.path(), &record.id).unwrap();
        NetworkRecord::delete(directory.path(), &record.id).unwrap();
        assert!(NetworkRecord::read_all(directory.path()).unwrap().0.is_empty());
    }
}
