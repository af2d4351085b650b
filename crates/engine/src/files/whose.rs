//! Whose files an operation is about: a container's or, with none, a volume's.

use std::sync::Arc;

use super::gate::{Gate, Kept, Opened, Pass};
use super::view::{self, Scope};
use crate::container::Container;
use crate::core::Core;
use crate::error::Result;
use crate::identity::Mapping;
use crate::volume;

/// Whose files are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilesOf<'a> {
    /// A container's, by name or id.
    Container(&'a str),
    /// A volume's, by name.
    Volume(&'a str),
}

/// The same, found.
pub(super) enum Whose {
    Container(Arc<Container>),
    Volume(String),
}

/// Who was found, and leave to open the files.
pub(super) struct Found {
    pub(super) whose: Whose,
    /// For messages: `container web`.
    pub(super) named: String,
    pass: Pass,
}

impl Found {
    pub(super) async fn find(core: &Core, of: FilesOf<'_>) -> Result<Self> {
        Ok(match of {
            FilesOf::Container(reference) => {
                let container = core.containers.find(reference)?;
                let pass = container.gate.enter().await;
                Self {
                    whose: Whose::Container(container),
                    named: format!("container {reference}"),
                    pass,
                }
            }
            // A volume has no start that would have to wait.
            FilesOf::Volume(name) => Self {
                whose: Whose::Volume(name.to_owned()),
                named: format!("volume {name}"),
                pass: Gate::default().enter().await,
            },
        })
    }

    pub(super) fn pass(&self) -> Pass {
        self.pass.clone()
    }

    /// Opens them. Blocks.
    pub(super) fn open(&self, core: &Arc<Core>, scope: Scope) -> Result<Opened> {
        match &self.whose {
            Whose::Container(container) => view::open(core, container, self.pass(), scope),
            Whose::Volume(name) => {
                let loan = volume::lend(core, name)?;
                Ok(Opened {
                    root: loan.open()?,
                    _kept: Kept::Lent { _it: loan },
                    pass: self.pass(),
                })
            }
        }
    }

    /// The user namespace whose ids archives of it have: a volume's is the daemon's.
    pub(super) fn identity(&self, core: &Core) -> Option<Mapping> {
        match &self.whose {
            Whose::Container(container) => container.record.identity.clone(),
            Whose::Volume(_) => core.remapped.clone(),
        }
    }

    /// Tells what was done; Docker has no such events of volumes.
    pub(super) fn publish(&self, core: &Core, action: &str) {
        if let Whose::Container(container) = &self.whose {
            super::publish(core, container, action);
        }
    }
}
