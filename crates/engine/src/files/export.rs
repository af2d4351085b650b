//! A container's whole root as a tar (`GET /containers/{id}/export`), without what is mounted in it; or a volume.

use std::sync::Arc;

use corten_image::pack;
use corten_image::tar::Sink;
use corten_sys::fault::boundary;

use super::gate::{Checked, Opened};
use super::view::Scope;
use super::whose::{FilesOf, Found, Whose};
use crate::core::{Core, blocking, transferring};
use crate::error::{Error, Result};
use crate::identity::Mapping;

/// A root that was opened and is about to be written as an archive.
pub struct ExportTicket {
    core: Arc<Core>,
    opened: Opened,
    identity: Option<Mapping>,
    /// An entry `./` says whose the root itself is.
    with_root: bool,
}

/// Opens it.
pub(crate) async fn prepare(core: &Arc<Core>, of: FilesOf<'_>) -> Result<ExportTicket> {
    let found = Found::find(core, of).await?;
    let shared = Arc::clone(core);
    blocking(core, move |core| {
        let opened = found.open(&shared, Scope::RootAlone)?;
        found.publish(core, "export");
        Ok(ExportTicket {
            core: shared,
            opened,
            identity: found.identity(core),
            with_root: matches!(found.whose, Whose::Volume(_)),
        })
    })
    .await
}

impl ExportTicket {
    /// Writes the archive to `writer`, on a thread of its own.
    pub async fn write<W>(self, writer: W) -> Result<()>
    where
        W: Sink + Send + 'static,
    {
        let core = Arc::clone(&self.core);
        transferring(&core, move |_core| {
            let pass = self.opened.pass.clone();
            let mut writer = Checked { pass, inner: writer };
            let root = self.opened.root();
            let inside = &|owner| Mapping::inside_of(self.identity.as_ref(), owner);
            boundary("files.pack");
            let packed = if self.with_root {
                pack::directory(root, b".", inside, &mut writer)
            } else {
                pack::content(root, inside, &mut writer)
            };
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
