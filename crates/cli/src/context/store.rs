//! The contexts on disk.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use corten_base::Digest;
use corten_client::Tls;

use super::{ContextError, DOCKER, Meta, go_json};
use crate::option::pair::reason;

/// The three files of TLS material.
const FILES: [&str; 3] = ["ca.pem", "cert.pem", "key.pem"];

/// The contexts of one configuration directory.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
}

/// TLS material: for each endpoint its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Material(pub(crate) BTreeMap<String, BTreeMap<String, Vec<u8>>>);

/// The engine of a context.
#[derive(Debug)]
pub(crate) struct Engine {
    /// Its address; empty: the default one.
    pub(crate) host: String,
    /// Material, or at least the wish for TLS.
    pub(crate) tls: Option<Tls>,
}

impl Material {
    /// The engine's material.
    pub(crate) fn of(tls: Option<Tls>) -> Self {
        let Some(tls) = tls else {
            return Self::default();
        };
        let files = FILES.into_iter().zip([tls.ca, tls.cert, tls.key]);
        let files: BTreeMap<_, _> = files
            .filter_map(|(name, bytes)| Some((name.to_owned(), bytes?)))
            .collect();
        match files.is_empty() {
            true => Self::default(),
            false => Self(BTreeMap::from([(DOCKER.to_owned(), files)])),
        }
    }

    fn tls(&self, skip_verify: bool) -> Option<Tls> {
        let files = self.0.get(DOCKER);
        if files.is_none() && !skip_verify {
            return None;
        }
        let file = |name: &str| files.and_then(|files| files.get(name)).cloned();
        let [ca, cert, key] = FILES.map(file);
        Some(Tls {
            ca,
            cert,
            key,
            skip_verify,
        })
    }

    /// The names of its files by endpoint.
    pub(crate) fn names(&self) -> BTreeMap<&str, Vec<&str>> {
        let names = self.0.iter();
        names
            .map(|(endpoint, files)| (endpoint.as_str(), files.keys().map(String::as_str).collect()))
            .collect()
    }
}

impl Store {
    /// The contexts in the configuration directory `config`.
    pub(crate) fn new(config: &Path) -> Self {
        Self {
            root: config.join("contexts"),
        }
    }

    /// The directory with the context's `meta.json`.
    pub(crate) fn meta_path(&self, name: &str) -> PathBuf {
        self.root.join("meta").join(Digest::of(name.as_bytes()).hex())
    }

    /// The directory with the context's material.
    pub(crate) fn tls_path(&self, name: &str) -> PathBuf {
        self.root.join("tls").join(Digest::of(name.as_bytes()).hex())
    }

    /// All contexts but `default`, by name.
    pub(crate) fn list(&self) -> Result<Vec<Meta>, ContextError> {
        let directory = self.root.join("meta");
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("open", &directory, &error)),
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| failed("readdir", &directory, &error))?.path();
            match fs::read(path.join("meta.json")) {
                Ok(bytes) => all.push(parse(&bytes, "", &path.join("meta.json"))?),
                // A directory without the file is no context.
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(error) => return Err(failed("open", &path.join("meta.json"), &error)),
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// Whether there is a context of that name.
    pub(crate) fn exists(&self, name: &str) -> bool {
        self.meta_path(name).join("meta.json").exists()
    }

    /// One context.
    pub(crate) fn load(&self, name: &str) -> Result<Meta, ContextError> {
        let path = self.meta_path(name).join("meta.json");
        match fs::read(&path) {
            Ok(bytes) => parse(&bytes, name, &path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ContextError::NotFound {
                name: name.to_owned(),
                path: path.display().to_string(),
            }),
            Err(error) => Err(failed("open", &path, &error)),
        }
    }

    /// Its engine.
    pub(crate) fn engine(&self, name: &str) -> Result<Engine, ContextError> {
        let meta = self.load(name)?;
        let (host, skip_verify) = meta.engine().ok_or_else(|| ContextError::NoEndpoint(name.to_owned()))?;
        Ok(Engine {
            host: host.to_owned(),
            tls: self.material(name)?.tls(skip_verify),
        })
    }

    /// Its material.
    pub(crate) fn material(&self, name: &str) -> Result<Material, ContextError> {
        let mut material = Material::default();
        let directory = self.tls_path(name);
        for endpoint in names(&directory)? {
            let inside = directory.join(&endpoint);
            let mut files = BTreeMap::new();
            for file in names(&inside)? {
                let path = inside.join(&file);
                let bytes = fs::read(&path).map_err(|error| failed("open", &path, &error))?;
                files.insert(file, bytes);
            }
            if !files.is_empty() {
                material.0.insert(endpoint, files);
            }
        }
        Ok(material)
    }

    /// Writes a context's file.
    pub(crate) fn save(&self, meta: &Meta) -> Result<(), ContextError> {
        let directory = self.meta_path(&meta.name);
        fs::create_dir_all(&directory).map_err(|error| failed("mkdir", &directory, &error))?;
        let path = directory.join("meta.json");
        corten_base::file::write_atomic(&path, go_json(meta).as_bytes()).map_err(|error| failed("write", &path, &error))
    }

    /// Replaces its material.
    pub(crate) fn save_material(&self, name: &str, material: &Material) -> Result<(), ContextError> {
        let directory = self.tls_path(name);
        remove(&directory)?;
        for (endpoint, files) in &material.0 {
            let inside = directory.join(endpoint);
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&inside)
                .map_err(|error| failed("mkdir", &inside, &error))?;
            for (file, bytes) in files {
                let path = inside.join(file);
                OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)
                    .and_then(|mut open| open.write_all(bytes))
                    .map_err(|error| failed("write", &path, &error))?;
            }
        }
        Ok(())
    }

    /// Removes a context with its material; one that is not there is as good as removed.
    pub(crate) fn remove(&self, name: &str) -> Result<(), ContextError> {
        remove(&self.tls_path(name))?;
        remove(&self.meta_path(name))
    }
}

fn parse(bytes: &[u8], name: &str, path: &Path) -> Result<Meta, ContextError> {
    if let Ok(meta) = serde_json::from_slice(bytes) {
        return Ok(meta);
    }
    // Read again for Go's words.
    let reason = crate::json::complaint(bytes)
        .unwrap_or_else(|| "json: cannot unmarshal into Go value of type store.untypedContextMetadata".to_owned());
    Err(ContextError::Broken {
        name: name.to_owned(),
        path: path.display().to_string(),
        reason,
    })
}

/// What lies in a directory, sorted; nothing if it is not there.
fn names(directory: &Path) -> Result<Vec<String>, ContextError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("open", directory, &error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed("readdir", directory, &error))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

fn remove(directory: &Path) -> Result<(), ContextError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", directory, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

pub(super) fn failed(act: &'static str, path: &Path, error: &io::Error) -> ContextError {
    ContextError::File {
        act,
        path: path.display().to_string(),
        reason: reason(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_and_removes() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path());
        assert!(store.list().unwrap().is_empty());
        assert!(matches!(store.load("far"), Err(ContextError::NotFound { .. })));
        let mut meta = Meta::new("far", "");
        meta.set_engine("tcp://far:1", false);
        store.save(&meta).unwrap();
        let tls = Tls {
            ca: Some(b"ca".to_vec()),
            ..Tls::default()
        };
        store.save_material("far", &Material::of(Some(tls.clone()))).unwrap();
        let engine = store.engine("far").unwrap();
        assert_eq!((engine.host.as_str(), engine.tls), ("tcp://far:1", Some(tls)));
        assert_eq!(store.list().unwrap().len(), 1);
        store.save_material("far", &Material::default()).unwrap();
        assert_eq!(store.engine("far").unwrap().tls, None);
        store.remove("far").unwrap();
        store.remove("far").unwrap();
        assert!(!store.exists("far"));
    }

    #[test]
    fn broken_files_are_told_in_gos_words() {
        let error = parse(b"{bad", "bb", Path::new("/m")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "context \"bb\": parsing /m: invalid character 'b' looking for beginning of object key string"
        );
    }
}
