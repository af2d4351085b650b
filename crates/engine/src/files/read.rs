//! Files out of a container (`GET /containers/{id}/archive`) or a volume as a tar.

use std::ffi::CString;
use std::sync::Arc;

use corten_api::container::PathStat;
use corten_image::pack;
use corten_image::tar::Sink;
use corten_image::unpack::open_in;
use corten_sys::fault::boundary;
use rustix::fs::OFlags;

use super::gate::{Checked, Opened};
use super::view::Scope;
use super::whose::{FilesOf, Found};
use super::{absolute, stat};
use crate::core::{Core, blocking, transferring};
use crate::error::{Error, Result};
use crate::identity::Mapping;

/// A path that was found and is about to be written as an archive.
pub struct ArchiveTicket {
    core: Arc<Core>,
    opened: Opened,
    identity: Option<Mapping>,
    path: String,
    stat: PathStat,
}

/// Finds it; what is wrong with the path is known before the first byte is sent.
pub(crate) async fn prepare(core: &Arc<Core>, of: FilesOf<'_>, path: &str) -> Result<ArchiveTicket> {
    let found = Found::find(core, of).await?;
    let (path, shared) = (absolute(path), Arc::clone(core));
    blocking(core, move |core| {
        let opened = found.open(&shared, Scope::Everything)?;
        let (stat, _) = stat::look(opened.root(), &path, &found.named)?;
        found.publish(core, "archive-path");
        Ok(ArchiveTicket {
            core: shared,
            opened,
            identity: found.identity(core),
            path,
            stat,
        })
    })
    .await
}

impl ArchiveTicket {
    /// What is at the path.
    #[must_use]
    pub fn stat(&self) -> &PathStat {
        &self.stat
    }

    /// Writes the archive to `writer`, on a thread of its own.
    pub async fn write<W>(self, writer: W) -> Result<()>
    where
        W: Sink + Send + 'static,
    {
        let core = Arc::clone(&self.core);
        transferring(&core, move |_core| {
            let pass = self.opened.pass.clone();
            let mut writer = Checked { pass, inner: writer };
            boundary("files.pack");
            let packed = self.pack(&mut writer);
            boundary("files.packed");
            packed.map_err(|error| Error::caused(format!("archive {}", self.path), error))
        })
        .await
    }

    fn pack(&self, writer: &mut dyn Sink) -> std::io::Result<()> {
        let inside = &|owner| Mapping::inside_of(self.identity.as_ref(), owner);
        let root = self.opened.root();
        if self.stat.is_directory() {
            let directory = open_in(root, self.path.as_bytes(), OFlags::RDONLY | OFlags::DIRECTORY)?;
            let name = if self.stat.name == "/" { "" } else { &self.stat.name };
            return pack::directory(std::os::fd::AsFd::as_fd(&directory), name.as_bytes(), inside, writer);
        }
        let (parent, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let parent = open_in(root, parent.as_bytes(), OFlags::PATH | OFlags::DIRECTORY)?;
        let name = CString::new(name)?;
        pack::entry(
            std::os::fd::AsFd::as_fd(&parent),
            &name,
            name.to_bytes(),
            inside,
            writer,
        )
    }
}

impl std::fmt::Debug for ArchiveTicket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArchiveTicket")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
