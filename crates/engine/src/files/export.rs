//! A container's whole root as a tar (`GET /containers/{id}/export`), without what is mounted in it.

use std::io::Write;
use std::sync::Arc;

use corten_image::pack;
use corten_sys::fault::boundary;

use super::gate::{Checked, Opened};
use super::view::{self, Scope};
use crate::container::Container;
use crate::core::{Core, blocking, transferring};
use crate::error::{Error, Result};
use crate::identity::Mapping;

/// A root that was opened and is about to be written as an archive.
pub struct ExportTicket {
    core: Arc<Core>,
    container: Arc<Container>,
    opened: Opened,
}

/// Opens it.
pub(crate) async fn prepare(core: &Arc<Core>, reference: &str) -> Result<ExportTicket> {
    let container = core.containers.find(reference)?;
    let pass = container.gate.enter().await;
    let shared = Arc::clone(core);
    blocking(core, move |core| {
        let opened = view::open(&shared, &container, pass, Scope::RootAlone)?;
        super::publish(core, &container, "export");
        Ok(ExportTicket {
            core: shared,
            container,
            opened,
        })
    })
    .await
}

impl ExportTicket {
    /// Writes the archive to `writer`, on a thread of its own.
    pub async fn write<W>(self, writer: W) -> Result<()>
    where
        W: Write + Send + 'static,
    {
        let core = Arc::clone(&self.core);
        transferring(&core, move |_core| {
            let pass = self.opened.pass.clone();
            let mut writer = Checked { pass, inner: writer };
            let identity = self.container.record.identity.as_ref();
            boundary("files.pack");
            let packed = pack::content(
                self.opened.root(),
                &|owner| Mapping::inside_of(identity, owner),
                &mut writer,
            );
            boundary("files.packed");
            packed.map_err(|error| Error::caused("export", error))
        })
        .await
    }
}

impl std::fmt::Debug for ExportTicket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExportTicket").finish_non_exhaustive()
    }
}
