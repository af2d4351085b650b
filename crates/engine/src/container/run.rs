//! What belongs to one run of a container, recorded in `<run>/containers/<id>/run.json` before it
//! exists: what a later daemon needs to take the run over, or to clean up after it.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use corten_base::file::write_atomic;
use corten_net::sandbox::Sandbox;
use corten_runtime::plan::{Cgroup, Plan};
use serde::{Deserialize, Serialize};

/// The file's name.
pub(crate) const RUN: &str = "run.json";

/// `run.json`, format 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RunRecord {
    /// Format.
    pub(crate) version: u32,
    /// Its place on the default network.
    pub(crate) sandbox: Option<Sandbox>,
    /// Its control groups.
    pub(crate) cgroup: Cgroup,
    /// The compiled container, without its filter: what exec sessions are compiled from.
    pub(crate) plan: Plan,
    /// Id of the endpoint, for `inspect`.
    pub(crate) endpoint: String,
}

impl RunRecord {
    pub(crate) fn write(&self, directory: &Path) -> io::Result<()> {
        write_atomic(&directory.join(RUN), &serde_json::to_vec(self)?)
    }

    pub(crate) fn read(directory: &Path) -> io::Result<Option<Self>> {
        super::record::read(&directory.join(RUN))
    }

    /// The container's own addresses, IPv4 first.
    pub(crate) fn addresses(&self) -> Vec<IpAddr> {
        let Some(sandbox) = &self.sandbox else {
            return Vec::new();
        };
        let six = sandbox.address6.map(|(address, ..)| IpAddr::V6(address));
        std::iter::once(IpAddr::V4(sandbox.address4)).chain(six).collect()
    }
}
