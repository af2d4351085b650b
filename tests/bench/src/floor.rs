//! The floor: new namespaces and a change of root around the same program, by `unshare` and `chroot`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use corten_testkit::programs;

/// A root directory with busybox in it.
#[derive(Debug)]
pub(crate) struct Floor {
    pub(crate) root: PathBuf,
}

impl Floor {
    /// Unpacks the busybox image's layer.
    pub(crate) fn prepare(scratch: &Path) -> Result<Self> {
        let root = scratch.join("floor");
        std::fs::create_dir_all(&root)?;
        let archive = programs::image("busybox")?;
        let unpack = "tar -xOf \"$1\" --wildcards '*/layer.tar' | tar -xf - -C \"$2\"";
        let status = Command::new("sh")
            .args(["-ec", unpack, "-"])
            .arg(archive)
            .arg(&root)
            .status()?;
        ensure!(status.success(), "the busybox image could not be unpacked");
        Ok(Self { root })
    }

    /// One run of `true`.
    pub(crate) fn run(&self) -> Result<()> {
        let status = Command::new("unshare")
            .args(["--fork", "--pid", "--mount", "--uts", "--ipc", "--net", "chroot"])
            .arg(&self.root)
            .arg("/bin/true")
            .status()?;
        ensure!(status.success(), "unshare ended with {status}");
        Ok(())
    }
}
