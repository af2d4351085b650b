//! What an archive says about its images: Docker's `manifest.json`, or an OCI layout's `index.json`, followed through
//! nested indexes. An archive that has both (docker 25 and later save so) is read by `manifest.json`.

use corten_base::{Digest, Platform, Reference};
use serde::Deserialize;

use super::LoadError;
use super::stage::Archive;

/// Indexes within indexes; two are seen in practice.
const INDEX_DEPTH_MAX: usize = 4;

/// One image of an archive, by the numbers of its files.
#[derive(Debug)]
pub(super) struct ArchivedImage {
    pub(super) config: usize,
    /// Bottom first.
    pub(super) layers: Vec<usize>,
    pub(super) references: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerManifest {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    digest: Digest,
    #[serde(default)]
    annotations: Option<std::collections::BTreeMap<String, String>>,
    #[serde(default)]
    platform: Option<DescribedPlatform>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct DescribedPlatform {
    os: String,
    architecture: String,
    variant: String,
}

/// The images of `archive`, in its order.
pub(super) fn images(archive: &Archive) -> Result<Vec<ArchivedImage>, LoadError> {
    if let Some(text) = archive.document("manifest.json")? {
        return docker(archive, &text);
    }
    if let Some(text) = archive.document("index.json")? {
        return oci(archive, &text);
    }
    Err(LoadError::Archive(
        "invalid archive: does not contain a manifest.json".into(),
    ))
}

fn docker(archive: &Archive, text: &[u8]) -> Result<Vec<ArchivedImage>, LoadError> {
    let manifests: Vec<DockerManifest> =
        serde_json::from_slice(text).map_err(|error| LoadError::Archive(format!("invalid manifest.json: {error}")))?;
    let image = |manifest: DockerManifest| {
        let file = |name: &str| archive.find(name).ok_or_else(|| missing(name));
        let layers = manifest.layers.unwrap_or_default();
        Ok(ArchivedImage {
            config: file(&manifest.config)?,
            layers: layers.iter().map(|name| file(name)).collect::<Result<_, LoadError>>()?,
            references: manifest
                .repo_tags
                .unwrap_or_default()
                .iter()
                .map(|tag| tagged(tag))
                .collect::<Result<_, _>>()?,
        })
    };
    manifests.into_iter().map(image).collect()
}

fn tagged(text: &str) -> Result<Reference, LoadError> {
    let reference = Reference::parse(text).map_err(|error| LoadError::Archive(error.to_string()))?;
    match reference.tag() {
        Some(_) if reference.digest().is_none() => Ok(reference),
        _ => Err(LoadError::Archive(format!("invalid tag {text:?}"))),
    }
}

fn oci(archive: &Archive, text: &[u8]) -> Result<Vec<ArchivedImage>, LoadError> {
    let index: Index = parse("index.json", text)?;
    let mut images = Vec::new();
    for descriptor in index.manifests.unwrap_or_default() {
        let references: Vec<Reference> = name_of(&descriptor).into_iter().collect();
        if let Some(manifest) = resolve(archive, &descriptor, INDEX_DEPTH_MAX)? {
            let add = image(archive, &manifest, references)?;
            images.push(add);
        }
    }
    Ok(images)
}

/// The manifest that a descriptor leads to; of an index, the one for this host.
fn resolve(archive: &Archive, descriptor: &Descriptor, depth: usize) -> Result<Option<Manifest>, LoadError> {
    let name = blob_name(&descriptor.digest);
    // Archives may leave out the platforms that nobody asked for.
    let Some(text) = archive.document(&name)? else {
        return Ok(None);
    };
    let found = Digest::of(&text);
    if found != descriptor.digest {
        return Err(LoadError::Archive(format!("{name} has digest {found}")));
    }
    let manifest: Manifest = parse(&name, &text)?;
    let Some(nested) = &manifest.manifests else {
        return Ok(Some(manifest));
    };
    if depth == 0 {
        return Err(LoadError::Archive("indexes nested too deeply".into()));
    }
    let host = Platform::host();
    let suits = |descriptor: &&Descriptor| {
        descriptor.platform.as_ref().is_none_or(|platform| {
            let DescribedPlatform {
                os,
                architecture,
                variant,
            } = platform.clone();
            Platform {
                os,
                architecture,
                variant,
            }
            .runs_on(&host)
        })
    };
    for descriptor in nested.iter().filter(suits) {
        if let Some(manifest) = resolve(archive, descriptor, depth - 1)? {
            return Ok(Some(manifest));
        }
    }
    Ok(None)
}

fn image(archive: &Archive, manifest: &Manifest, references: Vec<Reference>) -> Result<ArchivedImage, LoadError> {
    let file = |descriptor: &Descriptor| {
        let name = blob_name(&descriptor.digest);
        let number = archive.find(&name).ok_or_else(|| missing(&name))?;
        let found = archive.files[number].digest;
        let same = found == descriptor.digest;
        if same {
            Ok(number)
        } else {
            Err(LoadError::Archive(format!("{name} has digest {found}")))
        }
    };
    let config = manifest
        .config
        .as_ref()
        .ok_or_else(|| LoadError::Archive("manifest without configuration".into()))?;
    let layers = manifest.layers.as_deref().unwrap_or_default();
    Ok(ArchivedImage {
        config: file(config)?,
        layers: layers.iter().map(file).collect::<Result<_, _>>()?,
        references,
    })
}

/// The name that a descriptor of the top index carries; a bare tag names no image.
fn name_of(descriptor: &Descriptor) -> Option<Reference> {
    let annotations = descriptor.annotations.as_ref()?;
    let full = annotations.get("io.containerd.image.name");
    let short = || {
        annotations
            .get("org.opencontainers.image.ref.name")
            .filter(|name| name.contains([':', '/']))
    };
    let reference = Reference::parse(full.or_else(short)?).ok()?;
    reference.digest().is_none().then(|| reference.or_latest())
}

fn parse<'t, T: Deserialize<'t>>(name: &str, text: &'t [u8]) -> Result<T, LoadError> {
    serde_json::from_slice(text).map_err(|error| LoadError::Archive(format!("invalid {name}: {error}")))
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

fn missing(name: &str) -> LoadError {
    LoadError::Archive(format!("invalid archive: does not contain {name}"))
}
