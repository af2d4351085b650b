//! `docker import`: an image with one layer from the tar of a file system.

use std::io::Read;

use corten_base::{Digest, Platform, Reference, Timestamp};

use crate::ErrorKind;
use crate::changes::{self, ChangeError};
use crate::config::{Config, History, ImageConfig, RootFs};
use crate::load::{Admission, LoadError, NewImage};
use crate::store::{Store, StoreError};

/// The comment where none is given: Docker names the source, which is always the request's body here.
const DEFAULT_COMMENT: &str = "Imported from -";

/// What `docker import` takes besides the tar.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The name to give, with a tag.
    pub reference: Option<Reference>,
    /// The comment; Docker's default is `Imported from -`.
    pub message: String,
    /// Instructions in Dockerfile syntax, one each.
    pub changes: Vec<String>,
    /// The platform to record; the host's if absent.
    pub platform: Option<Platform>,
    /// The time to record.
    pub created: Timestamp,
}

/// An import failed; nothing of it remains.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A change is wrong.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// A digest cannot be given.
    #[error("cannot import digest reference")]
    Digest,
    /// The tar is damaged or hostile, or reading it or storing it failed.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl ImportError {
    /// For the HTTP status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Change(_) | Self::Digest => ErrorKind::InvalidParameter,
            Self::Load(error) => error.kind(),
        }
    }
}

impl Store {
    /// Makes an image of the tar, plain or compressed, that `reader` gives; returns its id.
    ///
    /// # Errors
    /// [`ImportError`].
    pub fn import(&self, reader: &mut (dyn Read + Send), options: &ImportOptions) -> Result<Digest, ImportError> {
        let mut config = Config::default();
        changes::apply(&mut config, &options.changes)?;
        if let Some(reference) = &options.reference
            && reference.digest().is_some()
        {
            return Err(ImportError::Digest);
        }
        let imported = self.with_layer(reader, None, |layer, work| {
            let config = serde_json::to_vec(&image_config(options, config, layer.diff_id))
                .map_err(|error| LoadError::Archive(error.to_string()))?;
            let config_path = work.join("config");
            std::fs::write(&config_path, &config).map_err(StoreError::io("write", &config_path))?;
            let id = Digest::of(&config);
            let image = NewImage {
                id,
                config_path,
                config_bytes: config.len() as u64,
                top: Some(layer.diff_id),
                parent: None,
                references: options
                    .reference
                    .clone()
                    .map(Reference::or_latest)
                    .into_iter()
                    .collect(),
            };
            self.admit(&Admission {
                layers: vec![layer],
                images: vec![image],
                tagged: Some(Timestamp::now()),
                _holds: Vec::new(),
            })?;
            Ok(id)
        })?;
        Ok(imported)
    }
}

fn image_config(options: &ImportOptions, config: Config, diff_id: Digest) -> ImageConfig {
    let platform = options.platform.clone().unwrap_or_else(Platform::host);
    let comment = if options.message.is_empty() {
        DEFAULT_COMMENT.to_owned()
    } else {
        options.message.clone()
    };
    let step = History {
        created: Some(options.created),
        comment: comment.clone(),
        ..History::default()
    };
    ImageConfig {
        architecture: platform.architecture,
        comment,
        config: Some(config),
        created: Some(options.created),
        history: vec![step],
        os: platform.os,
        rootfs: RootFs {
            diff_ids: vec![diff_id],
            ..RootFs::default()
        },
        variant: platform.variant,
        ..ImageConfig::default()
    }
}
