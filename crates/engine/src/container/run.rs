//! What belongs to one run of a container, recorded in `<run>/containers/<id>/` before it exists:
//! ```text
//! run.json    [`RunRecord`]: what a later daemon needs to take the run over, or to clean up after it
//! plan.json   the compiled container without its filter: what exec sessions are compiled from
//! ```

use std::io;
use std::net::IpAddr;
use std::path::Path;

use corten_base::file::write_atomic;
use corten_net::sandbox::Sandbox;
use corten_runtime::plan::{Cgroup, Plan};
use serde::{Deserialize, Serialize};

/// The files' names.
pub(crate) const RUN: &str = "run.json";
/// See [`RUN`].
pub(crate) const PLAN: &str = "plan.json";

/// `run.json`, format 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RunRecord {
    /// Format.
    pub(crate) version: u32,
    /// Its place on the default network.
    pub(crate) sandbox: Option<Sandbox>,
    /// Its control groups, as far as removing them needs it.
    pub(crate) cgroup: Cgroup,
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

    /// The plan of the run whose directory this is.
    pub(crate) fn read_plan(directory: &Path) -> io::Result<Option<Plan>> {
        super::record::read(&directory.join(PLAN))
    }

    /// Writes the plan. It only has to last as long as the run.
    pub(crate) fn write_plan(directory: &Path, plan: &Plan) -> io::Result<()> {
        std::fs::write(directory.join(PLAN), serde_json::to_vec(plan)?)
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

/// The control groups without what is only needed to make them.
pub(crate) fn for_removal(cgroup: &Cgroup) -> Cgroup {
    let mut cgroup = cgroup.clone();
    cgroup.device_program = Vec::new();
    for directory in &mut cgroup.directories {
        directory.writes = Vec::new();
    }
    cgroup
}
