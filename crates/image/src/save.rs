//! `docker save`: a tar that `docker load` and OCI tools take: blobs by digest, `index.json` and `oci-layout` for OCI,
//! `manifest.json` and `repositories` for Docker. Layers are written as they are stored, so that nothing is compressed
//! or hashed again; all times are 1970, all owners root, all orders fixed: the same images give the same bytes.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write};
use std::path::PathBuf;
use std::sync::Arc;

use corten_base::{AnyReference, Digest, Platform, Reference};
use serde::Serialize;

use crate::ErrorKind;
use crate::compress::Compression;
use crate::find::{FindError, Image, stored};
use crate::layer::Hold;
use crate::load::WorkDirectory;
use crate::store::{LayerRecord, Store, StoreError};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const OCI_LAYOUT: &str = r#"{"imageLayoutVersion": "1.0.0"}"#;
/// Read and written at a time.
const BUFFER_BYTES: usize = 1 << 20;

/// A save failed.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// An image was not found.
    #[error(transparent)]
    Find(#[from] FindError),
    /// A name with a tag is not known.
    #[error("reference does not exist")]
    Reference,
    /// An image is for another platform than was asked for.
    #[error("no suitable export target found for platform {0}")]
    Platform(Platform),
    /// The receiver failed.
    #[error("write the archive: {0}")]
    Write(#[source] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SaveError {
    /// For the HTTP status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            // Sic: what cannot be a name is the engine's failure here (observed: dockerd 28.5).
            Self::Find(FindError::Reference(_)) => ErrorKind::Internal,
            Self::Find(error) => error.kind(),
            Self::Reference => ErrorKind::NotFound,
            Self::Platform(_) | Self::Write(_) | Self::Store(_) => ErrorKind::Internal,
        }
    }
}

/// An image and the tag that it was named by.
type Named = (Arc<Image>, Option<Reference>);

/// What is about to be saved: looked up, so that a wrong name is known before the first byte is sent.
#[derive(Debug)]
pub struct Archive {
    store: Store,
    images: Vec<(Arc<Image>, Vec<Reference>)>,
}

impl Store {
    /// Writes the images `names` mean (names are looked up before the first byte is written; a repository without
    /// tag means all its tags). The same store writes the same bytes.
    ///
    /// # Errors
    /// [`SaveError`].
    pub fn save(&self, names: &[String], writer: &mut dyn Write) -> Result<(), SaveError> {
        self.prepare_save(names, None)?.write(writer)
    }

    /// The first half of [`Store::save`]: what can be wrong with the names is found here.
    ///
    /// # Errors
    /// [`SaveError::Find`], [`SaveError::Reference`] and [`SaveError::Platform`], with Docker's messages.
    pub fn prepare_save(&self, names: &[String], platform: Option<&Platform>) -> Result<Archive, SaveError> {
        let mut images: Vec<(Arc<Image>, Vec<Reference>)> = Vec::new();
        for name in names {
            for (image, reference) in self.named(name)? {
                if let Some(wanted) = platform.filter(|wanted| !image.config.platform().suits(wanted)) {
                    return Err(SaveError::Platform(wanted.clone()));
                }
                let at = images
                    .iter()
                    .position(|(present, _)| present.id == image.id)
                    .unwrap_or_else(|| {
                        images.push((image, Vec::new()));
                        images.len() - 1
                    });
                let tags = &mut images[at].1;
                if let Some(reference) = reference.filter(|tag| tag.digest().is_none() && !tags.contains(tag)) {
                    tags.push(reference);
                }
            }
        }
        Ok(Archive {
            store: self.clone(),
            images,
        })
    }

    /// The images that one argument means, with the tags to save.
    fn named(&self, name: &str) -> Result<Vec<Named>, SaveError> {
        let AnyReference::Named(reference) = AnyReference::parse(name).map_err(FindError::from)? else {
            return Ok(vec![(self.find(name)?, None)]);
        };
        let exact = reference.tag().is_some() || reference.digest().is_some();
        if exact && reference.familiar_name() != "sha256" {
            let id = self
                .records()
                .view()?
                .name(&stored(&reference))?
                .ok_or(SaveError::Reference)?;
            return Ok(vec![(self.image(&id)?, Some(reference))]);
        }
        let mut found = Vec::new();
        for (tag, id) in self.records().view()?.names()? {
            if tag.name() == reference.name() {
                found.push((self.image(&id)?, Some(tag)));
            }
        }
        if found.is_empty() {
            // Perhaps an id; Docker names the argument as it was given.
            match self.find(name) {
                Err(FindError::NotFound(_)) => return Err(FindError::NotFound(name.to_owned()).into()),
                image => found.push((image?, None)),
            }
        }
        Ok(found)
    }
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: Digest,
    size: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, String>,
}

impl Descriptor {
    fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            annotations: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u8,
    media_type: &'static str,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u8,
    media_type: &'static str,
    manifests: Vec<Descriptor>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DockerManifest {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
    layer_sources: BTreeMap<Digest, Descriptor>,
}

/// Where a blob's bytes come from.
#[derive(Debug)]
enum Source {
    /// A layer's blob; the layer stays in the store meanwhile.
    Layer(LayerRecord, Hold),
    File(PathBuf),
    Text(Vec<u8>),
}

/// All that goes into the archive, by digest.
#[derive(Debug, Default)]
struct Contents {
    blobs: BTreeMap<String, (u64, Source)>,
    index: Vec<Descriptor>,
    docker: Vec<DockerManifest>,
    repositories: BTreeMap<String, BTreeMap<String, String>>,
}

impl Archive {
    /// Writes the archive.
    ///
    /// # Errors
    /// [`SaveError::Write`] when the receiver fails, [`SaveError::Store`] when the store does.
    pub fn write(&self, writer: &mut dyn Write) -> Result<(), SaveError> {
        let work = self.store.work_directory("save")?;
        let mut contents = Contents::default();
        for (image, tags) in &self.images {
            self.add(image, tags, &work, &mut contents)?;
        }
        contents.write(&self.store, writer)
    }

    fn add(
        &self,
        image: &Image,
        tags: &[Reference],
        work: &WorkDirectory,
        contents: &mut Contents,
    ) -> Result<(), SaveError> {
        let config = self.store.config_bytes(&image.id)?;
        let config_descriptor = Descriptor::new(CONFIG, image.id, config.len() as u64);
        contents
            .blobs
            .insert(image.id.hex(), (config.len() as u64, Source::Text(config)));
        let mut layers = Vec::new();
        let mut layer_sources = BTreeMap::new();
        for (chain, diff_id) in image.chain_ids.iter().zip(&image.config.rootfs.diff_ids) {
            let (descriptor, source) = self.layer(chain, diff_id, work)?;
            contents
                .blobs
                .entry(descriptor.digest.hex())
                .or_insert((descriptor.size, source));
            layer_sources.insert(*diff_id, descriptor.clone());
            layers.push(descriptor);
        }
        let paths = layers.iter().map(|layer| blob_path(&layer.digest)).collect();
        let manifest = json(&Manifest {
            schema_version: 2,
            media_type: MANIFEST,
            config: config_descriptor,
            layers,
        })?;
        let descriptor = Descriptor::new(MANIFEST, Digest::of(&manifest), manifest.len() as u64);
        contents.blobs.insert(
            Digest::of(&manifest).hex(),
            (manifest.len() as u64, Source::Text(manifest)),
        );
        contents.name(image, tags, &descriptor);
        let repo_tags: Vec<String> = tags.iter().map(Reference::familiar).collect();
        let repo_tags = (!repo_tags.is_empty()).then_some(repo_tags);
        contents.docker.push(DockerManifest {
            config: blob_path(&image.id),
            repo_tags,
            layers: paths,
            layer_sources,
        });
        Ok(())
    }

    /// A layer's descriptor. What OCI has no media type for goes out plain.
    fn layer(&self, chain: &Digest, diff_id: &Digest, work: &WorkDirectory) -> Result<(Descriptor, Source), SaveError> {
        let damaged = || StoreError::Damaged(chain.to_string());
        let (hold, layer) = self.store.hold(chain)?.ok_or_else(damaged)?;
        let path = self.store.blob_path(&layer.blob);
        let failed = |error| StoreError::io("read", &path)(error);
        let mut blob = self.store.open_blob(&layer)?;
        let mut start = [0; 8];
        let known = blob.read(&mut start).map_err(failed)?;
        let size = self
            .store
            .records()
            .view()?
            .blob(&layer.blob)?
            .ok_or_else(damaged)?
            .size_bytes;
        let suffix = match Compression::of(&start[..known]) {
            Compression::Plain => "",
            Compression::Gzip => "+gzip",
            Compression::Zstd => "+zstd",
            unknown @ (Compression::Bzip2 | Compression::Xz) => {
                let plain = work.path.join(diff_id.hex());
                let mut reader = std::fs::File::open(&path)
                    .and_then(|file| unknown.reader(file))
                    .map_err(failed)?;
                let mut out = std::fs::File::create(&plain).map_err(StoreError::io("create", &plain))?;
                let size = io::copy(&mut reader, &mut out).map_err(StoreError::io("unpack", &plain))?;
                return Ok((Descriptor::new(LAYER, *diff_id, size), Source::File(plain)));
            }
        };
        Ok((
            Descriptor::new(&format!("{LAYER}{suffix}"), layer.blob, size),
            Source::Layer(layer, hold),
        ))
    }
}

impl Contents {
    /// One entry of the index per tag, one without a name if there is none.
    fn name(&mut self, image: &Image, tags: &[Reference], descriptor: &Descriptor) {
        if tags.is_empty() {
            self.index.push(descriptor.clone());
        }
        for tag in tags {
            let mut named = descriptor.clone();
            let version = tag.tag().unwrap_or_default().to_owned();
            named.annotations.insert("io.containerd.image.name", tag.to_string());
            named
                .annotations
                .insert("org.opencontainers.image.ref.name", version.clone());
            self.index.push(named);
            let top = image.config.rootfs.diff_ids.last().map(Digest::hex).unwrap_or_default();
            self.repositories
                .entry(tag.familiar_name())
                .or_default()
                .insert(version, top);
        }
    }

    fn write(self, store: &Store, writer: &mut dyn Write) -> Result<(), SaveError> {
        let mut tar = tar::Builder::new(io::BufWriter::with_capacity(BUFFER_BYTES, writer));
        for directory in ["blobs/", "blobs/sha256/"] {
            append(&mut tar, directory, tar::EntryType::Directory, 0, io::empty())?;
        }
        for (hex, (size, source)) in self.blobs {
            let name = format!("blobs/sha256/{hex}");
            match source {
                Source::Text(text) => append(&mut tar, &name, tar::EntryType::Regular, size, &*text)?,
                Source::File(path) => {
                    let file = std::fs::File::open(&path).map_err(StoreError::io("open", &path))?;
                    stream(&mut tar, &name, size, file)?;
                }
                Source::Layer(layer, _hold) => stream(&mut tar, &name, size, store.open_blob(&layer)?)?,
            }
        }
        let index = json(&Index {
            schema_version: 2,
            media_type: INDEX,
            manifests: self.index,
        })?;
        let mut texts = vec![
            ("index.json", index),
            ("manifest.json", json(&self.docker)?),
            ("oci-layout", OCI_LAYOUT.as_bytes().to_vec()),
        ];
        if !self.repositories.is_empty() {
            texts.push(("repositories", json(&self.repositories)?));
        }
        for (name, text) in texts {
            append(&mut tar, name, tar::EntryType::Regular, text.len() as u64, &*text)?;
        }
        tar.into_inner()
            .and_then(|mut out| out.flush())
            .map_err(SaveError::Write)
    }
}

fn stream<W: Write>(
    tar: &mut tar::Builder<W>,
    name: &str,
    size: u64,
    mut content: impl io::Read,
) -> Result<(), SaveError> {
    let buffered = io::BufReader::with_capacity(BUFFER_BYTES, &mut content);
    append(tar, name, tar::EntryType::Regular, size, buffered)?;
    // A blob that is put together says only at its end whether it is whole.
    match content.read(&mut [0]).map_err(SaveError::Write)? {
        0 => Ok(()),
        _ => Err(SaveError::Write(io::Error::other(format!(
            "{name} is longer than it was"
        )))),
    }
}

fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    name: &str,
    kind: tar::EntryType,
    size: u64,
    content: impl io::Read,
) -> Result<(), SaveError> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(if kind == tar::EntryType::Directory {
        0o755
    } else {
        0o644
    });
    header.set_mtime(0);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    tar.append_data(&mut header, name, content.take(size))
        .map_err(SaveError::Write)
}

fn blob_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, SaveError> {
    serde_json::to_vec(value).map_err(|error| SaveError::Write(error.into()))
}
