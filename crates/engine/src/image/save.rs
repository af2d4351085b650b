//! Saving images: the names are looked up first, so that a wrong one still has a status of its own; then
//! the archive is written.

use std::io::Write;
use std::sync::Arc;

use corten_base::Platform;
use corten_image::save::Archive;

use super::{of_kind, publish};
use crate::core::{Core, blocking, transferring};
use crate::error::Result;

/// Images that were found and are about to be written as an archive.
pub struct SaveTicket {
    core: Arc<Core>,
    names: Vec<String>,
    archive: Archive,
}

impl std::fmt::Debug for SaveTicket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SaveTicket")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// Looks the names up.
pub(crate) async fn prepare(core: &Arc<Core>, names: Vec<String>, platform: Option<Platform>) -> Result<SaveTicket> {
    let (names, archive) = blocking(core, move |core| {
        let archive = core.images.prepare_save(&names, platform.as_ref());
        let archive = archive.map_err(|error| of_kind(error.kind(), error.to_string()))?;
        Ok((names, archive))
    })
    .await?;
    let core = Arc::clone(core);
    Ok(SaveTicket { core, names, archive })
}

impl SaveTicket {
    /// Writes the archive to `writer`, on a thread of its own.
    pub async fn write<W>(self, mut writer: W) -> Result<()>
    where
        W: Write + Send + 'static,
    {
        let Self { core, names, archive } = self;
        transferring(&core, move |core| {
            let written = archive.write(&mut writer);
            written.map_err(|error| of_kind(error.kind(), error.to_string()))?;
            for name in &names {
                if let Ok(image) = core.images.find(name) {
                    let id = image.id.to_string();
                    publish(core, &id, &id, "save");
                }
            }
            Ok(())
        })
        .await
    }
}
