//! A volume whose files are read or written without a container: mounted as for one, and not removed meanwhile.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use corten_base::ContainerId;
use rustix::fs::{Mode, OFlags};

use super::missing;
use crate::core::{Core, random_bytes};
use crate::error::{Error, Result};

/// It lasts as long as this lives.
#[derive(Debug)]
pub(crate) struct Loan {
    core: Weak<Core>,
    name: String,
    holder: ContainerId,
    data: PathBuf,
}

/// Lends it. Blocks.
pub(crate) fn lend(core: &Arc<Core>, name: &str) -> Result<Loan> {
    if !core.volumes.note_loan(name)? {
        return Err(missing(name));
    }
    // From here on dropping it takes everything back.
    let mut loan = Loan {
        core: Arc::downgrade(core),
        name: name.to_owned(),
        holder: ContainerId::from_random(random_bytes()),
        data: PathBuf::new(),
    };
    loan.data = core.volumes.hold(name, &loan.holder)?;
    Ok(loan)
}

impl Loan {
    /// Its root directory.
    pub(crate) fn open(&self) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(&self.data, flags, Mode::empty())
            .map_err(|error| Error::caused(format!("open volume {}", self.name), error))
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(core) = self.core.upgrade() {
            core.volumes.release(&self.holder, &self.name);
            core.volumes.forget_loan(&self.name);
        }
    }
}
