//! Looking images up by name, digest, id or id prefix, and listing them.

use std::collections::HashMap;
use std::sync::Arc;

use corten_base::{AnyReference, Digest, Reference, Timestamp};

use crate::ErrorKind;
use crate::config::ImageConfig;
use crate::store::{ImageRecord, LayerRecord, Store, StoreError, View};

/// Parsed images kept in memory between changes; a configuration is some kilobytes.
const CACHED_IMAGES: usize = 32;

/// One image, as `inspect` needs it.
#[derive(Debug, Clone)]
pub struct Image {
    /// Digest of the configuration's bytes.
    pub id: Digest,
    /// The parsed configuration.
    pub config: Arc<ImageConfig>,
    /// Chain ids of its layers, bottom first.
    pub chain_ids: Vec<Digest>,
    /// Sum of the sizes of the files in all its layers, in bytes.
    pub size_bytes: u64,
    /// All names with tag or digest that mean this image, sorted.
    pub references: Vec<Reference>,
    /// When it was last tagged here; [`Timestamp::ZERO`] if never.
    pub last_tagged: Timestamp,
    /// The image it was made from on this machine.
    pub parent: Option<Digest>,
}

impl Image {
    /// `RepoTags`: familiar names with tags.
    #[must_use]
    pub fn repo_tags(&self) -> Vec<String> {
        self.references
            .iter()
            .filter(|name| name.digest().is_none())
            .map(Reference::familiar)
            .collect()
    }

    /// `RepoDigests`: familiar names with digests.
    #[must_use]
    pub fn repo_digests(&self) -> Vec<String> {
        self.references
            .iter()
            .filter(|name| name.digest().is_some())
            .map(Reference::familiar)
            .collect()
    }
}

/// One row of `docker images`.
pub type ImageSummary = Image;

/// One row of `docker history`, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryItem {
    /// The image id for the newest row and those of images that it was made from here, `<missing>` for the others.
    pub id: String,
    /// When the step was made.
    pub created: Option<Timestamp>,
    /// The step's command.
    pub created_by: String,
    /// The step's comment.
    pub comment: String,
    /// Bytes in the layer the step made; 0 if it made none.
    pub size_bytes: u64,
    /// Familiar names of the image that this row is.
    pub tags: Vec<String>,
}

/// An image could not be looked up. Displays as Docker's message.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The text cannot name an image.
    #[error(transparent)]
    Reference(#[from] corten_base::reference::ParseReferenceError),
    /// No image has this name or id, or several ids begin so.
    #[error("No such image: {0}")]
    NotFound(String),
    /// A tag with a digest cannot be given.
    #[error("refusing to create a tag with a digest reference")]
    DigestTarget,
    /// `sha256:x` would be taken for the beginning of an id.
    #[error("refusing to create an ambiguous tag using digest algorithm as name")]
    AmbiguousTarget,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FindError {
    /// For the HTTP status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Reference(_) | Self::DigestTarget | Self::AmbiguousTarget => ErrorKind::InvalidParameter,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Store(_) => ErrorKind::Internal,
        }
    }
}

impl Store {
    /// The image that `name` means: a name (`:latest` implied), `name@digest`, a full id, or a unique id prefix.
    ///
    /// # Errors
    /// [`FindError`], with Docker's message.
    pub fn find(&self, name: &str) -> Result<Arc<Image>, FindError> {
        match AnyReference::parse(name)? {
            AnyReference::Id(id) => self.image(&id),
            AnyReference::Named(reference) => {
                let shown = reference.clone().or_latest();
                let view = self.records().view()?;
                let id = match view.name(&stored(&shown))? {
                    Some(id) => Some(id),
                    None => unique_prefix(&view, name)?,
                };
                let id = id.ok_or_else(|| FindError::NotFound(shown.familiar()))?;
                self.image(&id)
            }
        }
    }

    /// The image with this id.
    ///
    /// # Errors
    /// [`FindError::NotFound`] and failures of the store.
    pub fn image(&self, id: &Digest) -> Result<Arc<Image>, FindError> {
        if let Some(image) = self.state().images.get(id) {
            return Ok(Arc::clone(image));
        }
        // Kept under the lock: a change that comes between reading and keeping would leave an old image here.
        let mut state = self.state();
        let view = self.records().view()?;
        let record = view.image(id)?.ok_or_else(|| FindError::NotFound(id.to_string()))?;
        let names = view
            .names()?
            .into_iter()
            .filter(|(_, means)| means == id)
            .map(|(name, _)| name)
            .collect();
        let image = Arc::new(self.assemble(&view, *id, &record, names)?);
        if state.images.len() >= CACHED_IMAGES {
            state.images.clear();
        }
        state.images.insert(*id, Arc::clone(&image));
        Ok(image)
    }

    /// All images, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list(&self) -> Result<Vec<Arc<ImageSummary>>, StoreError> {
        let view = self.records().view()?;
        let mut names: HashMap<Digest, Vec<Reference>> = HashMap::new();
        for (name, id) in view.names()? {
            names.entry(id).or_default().push(name);
        }
        let mut images = Vec::new();
        for (id, record) in view.images()? {
            let names = names.remove(&id).unwrap_or_default();
            images.push(Arc::new(self.assemble(&view, id, &record, names)?));
        }
        images.sort_by_key(|image| std::cmp::Reverse((image.config.created, image.id)));
        Ok(images)
    }

    /// The size of each layer, in bytes, by its chain id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn layer_sizes(&self) -> Result<HashMap<Digest, u64>, StoreError> {
        let layers = self.records().view()?.layers()?;
        Ok(layers
            .into_iter()
            .map(|(chain, layer)| (chain, layer.size_bytes))
            .collect())
    }

    /// The steps of an image, newest first, as `docker history` shows them.
    ///
    /// # Errors
    /// As [`Store::find`].
    pub fn history(&self, name: &str) -> Result<Vec<HistoryItem>, FindError> {
        let image = self.find(name)?;
        let view = self.records().view()?;
        let mut chains = image.chain_ids.iter();
        let mut items = Vec::new();
        for step in &image.config.history {
            let mut size_bytes = 0;
            if !step.empty_layer
                && let Some(chain) = chains.next()
            {
                size_bytes = layer(&view, chain)?.size_bytes;
            }
            items.push(HistoryItem {
                id: "<missing>".into(),
                created: step.created,
                created_by: step.created_by.clone(),
                comment: step.comment.clone(),
                size_bytes,
                tags: Vec::new(),
            });
        }
        items.reverse();
        // An image that was committed here stands on the one before: one step each.
        let mut step = Some(image);
        for item in &mut items {
            let Some(image) = step else { break };
            item.id = image.id.to_string();
            item.tags = image.repo_tags();
            step = match image.parent {
                Some(parent) => self.image(&parent).ok(),
                None => None,
            };
        }
        Ok(items)
    }

    /// The configuration exactly as it is stored.
    pub(crate) fn config_bytes(&self, id: &Digest) -> Result<Vec<u8>, StoreError> {
        let path = self.blob_path(id);
        std::fs::read(&path).map_err(StoreError::io("read", &path))
    }

    fn assemble(
        &self,
        view: &View,
        id: Digest,
        record: &ImageRecord,
        references: Vec<Reference>,
    ) -> Result<Image, StoreError> {
        let config: ImageConfig =
            serde_json::from_slice(&self.config_bytes(&id)?).map_err(|_| StoreError::Damaged(id.to_string()))?;
        let chain_ids = config.chain_ids();
        let mut size_bytes = 0;
        for chain in &chain_ids {
            size_bytes += layer(view, chain)?.size_bytes;
        }
        let (last_tagged, parent) = (record.last_tagged, record.parent);
        Ok(Image {
            id,
            config: Arc::new(config),
            chain_ids,
            size_bytes,
            references,
            last_tagged,
            parent,
        })
    }
}

/// The form under which a name is stored: beside a digest the tag does not count.
pub(crate) fn stored(reference: &Reference) -> Reference {
    match reference.digest() {
        Some(digest) => reference.clone().with_digest(digest),
        None => reference.clone().or_latest(),
    }
}

/// Whether `text` is the id or a prefix of it, as Docker tells an id from a name.
pub(crate) fn is_id_prefix(id: &Digest, text: &str) -> bool {
    !text.is_empty() && (id.to_string().starts_with(text) || id.hex().starts_with(text))
}

fn layer(view: &View, chain: &Digest) -> Result<LayerRecord, StoreError> {
    view.layer(chain)?.ok_or_else(|| StoreError::Damaged(chain.to_string()))
}

fn unique_prefix(view: &View, text: &str) -> Result<Option<Digest>, StoreError> {
    let prefix = text.strip_prefix("sha256:").unwrap_or(text);
    if prefix.is_empty() || !prefix.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Ok(None);
    }
    match view.images_with_prefix(prefix)?.as_slice() {
        [id] => Ok(Some(*id)),
        _ => Ok(None),
    }
}
