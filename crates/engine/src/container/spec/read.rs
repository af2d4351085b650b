//! The specification's types out of the documents that [`super`] puts together, pure.
//!
//! Piece by piece, because reading a whole [`Process`] can check an `execCPUAffinity`, and the engine of regular
//! expressions behind that would be a twentieth of `cortend`. Nothing here ever sets one. A key that is not
//! known is an error, so that none is lost.

use std::collections::HashMap;
use std::path::PathBuf;

use oci_spec::runtime::{Linux, LinuxCapabilities, Mount, PosixRlimit, Process, Root, Spec, User};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProcessDocument {
    user: User,
    args: Vec<String>,
    env: Vec<String>,
    cwd: PathBuf,
    capabilities: LinuxCapabilities,
    terminal: Option<bool>,
    rlimits: Option<Vec<PosixRlimit>>,
    oom_score_adj: Option<i32>,
    no_new_privileges: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    oci_version: String,
    process: ProcessDocument,
    root: Root,
    hostname: Option<String>,
    domainname: Option<String>,
    mounts: Vec<Mount>,
    annotations: HashMap<String, String>,
    linux: Linux,
}

/// A process.
pub(super) fn process(document: Value) -> Result<Process, serde_json::Error> {
    serde_json::from_value(document).map(ProcessDocument::into_process)
}

/// A whole specification.
pub(super) fn specification(document: Value) -> Result<Spec, serde_json::Error> {
    let document: Document = serde_json::from_value(document)?;
    // What is not set below is `None` there too.
    let mut spec = Spec::default();
    spec.set_version(document.oci_version)
        .set_process(Some(document.process.into_process()))
        .set_root(Some(document.root))
        .set_hostname(document.hostname)
        .set_domainname(document.domainname)
        .set_mounts(Some(document.mounts))
        .set_annotations(Some(document.annotations))
        .set_linux(Some(document.linux));
    Ok(spec)
}

impl ProcessDocument {
    fn into_process(self) -> Process {
        // What is not set below is `None` there too.
        let mut process = Process::default();
        process
            .set_user(self.user)
            .set_args(Some(self.args))
            .set_env(Some(self.env))
            .set_cwd(self.cwd)
            .set_capabilities(Some(self.capabilities))
            .set_terminal(self.terminal)
            .set_rlimits(self.rlimits)
            .set_oom_score_adj(self.oom_score_adj)
            .set_no_new_privileges(self.no_new_privileges);
        process
    }
}
