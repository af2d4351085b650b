//! The embedded image `hello-world`: one static program that says that the installation works. Used where no
//! registry can be reached, so that a first `run` works without any network. Made from source here, byte for byte
//! the same each time: the program by a small assembler ([`program`]), the archive in memory, then loaded as any other.

mod program;

use std::io::Write as _;

use corten_base::{Digest, Platform};
use serde_json::json;

use crate::load::LoadError;
use crate::store::{Store, StoreError};

/// The name it goes by.
const NAME: &str = "hello-world:latest";
/// A fixed time of making, so that the id depends on nothing but the source.
const CREATED: &str = "2025-01-01T00:00:00Z";
const CREATED_SECONDS: u64 = 1_735_689_600;

const MESSAGE: &str = "
Hello from Corten!
Your installation works: the daemon took this image, made a container of it,
started the small program inside, and sent what it says to your terminal.

Three things to try next:
  corten ps --all           the containers on this machine, this one perhaps among them
  corten images             the images on this machine
  corten load -i FILE.tar   bring in an image that `docker save` or `corten save` wrote

";

/// The embedded image could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HelloError {
    /// There is no program for this processor.
    #[error("hello-world is not made for {0}")]
    Architecture(String),
    /// The archive could not be put together.
    #[error("put hello-world together: {0}")]
    Build(#[from] std::io::Error),
    /// The store refused it.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// The embedded image `hello-world:latest`, made if the name is unknown. Returns its id.
    ///
    /// # Errors
    /// When the store fails, or on a processor there is no program for.
    pub fn ensure_hello_world(&self) -> Result<Digest, HelloError> {
        if let Ok(image) = self.find(NAME) {
            return Ok(image.id);
        }
        let (id, archive) = archive()?;
        self.load(&mut &archive[..], &mut |_| {})?;
        Ok(id)
    }
}

/// The image's id and a docker-archive of it.
fn archive() -> Result<(Digest, Vec<u8>), HelloError> {
    let platform = Platform::host();
    let program = program::elf(&platform.architecture, MESSAGE.as_bytes())
        .ok_or_else(|| HelloError::Architecture(platform.architecture.clone()))?;
    let layer = tar(&[("hello", 0o755, &program)])?;
    let diff_id = Digest::of(&layer);
    let config = json!({
        "architecture": platform.architecture,
        "config": {"Cmd": ["/hello"], "WorkingDir": "/", "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
        "created": CREATED,
        "history": [{"created": CREATED, "created_by": "corten: embedded program"}],
        "os": platform.os,
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
    })
    .to_string();
    let id = Digest::of(config.as_bytes());
    let config_name = format!("{}.json", id.hex());
    let manifest = json!([{"Config": config_name, "RepoTags": [NAME], "Layers": ["layer.tar"]}]).to_string();
    let archive = tar(&[
        ("layer.tar", 0o644, &layer),
        (&config_name, 0o644, config.as_bytes()),
        ("manifest.json", 0o644, manifest.as_bytes()),
    ])?;
    Ok((id, archive))
}

fn tar(files: &[(&str, u32, &[u8])]) -> Result<Vec<u8>, std::io::Error> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, mode, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_mode(*mode);
        header.set_mtime(CREATED_SECONDS);
        header.set_size(content.len() as u64);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, name, *content)?;
    }
    let mut archive = builder.into_inner()?;
    archive.flush()?;
    Ok(archive)
}
