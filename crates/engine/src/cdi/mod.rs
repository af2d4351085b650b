//! Devices of vendors (Container Device Interface): files in directories say what a container with a device gets
//! besides its node: variables, mounts, hooks. `--device vendor.com/class=name` asks for one.
//!
//! The directories are read whenever somebody asks: nothing is remembered, so nothing is stale. Later directories
//! go over earlier ones; a device that two files of one directory name is none. Blocks. Texts: observed, dockerd 28.5.

mod spec;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use corten_api::container::DeviceRequest;

use spec::Spec;
pub(crate) use spec::{Edits, Mount, Node};

use crate::error::{Error, Result};

/// Longest file that is read: real ones have some kilobytes.
const FILE_BYTES: u64 = 4 << 20;

/// What the directories have.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    /// By qualified name.
    devices: BTreeMap<String, Entry>,
    /// What is wrong with files.
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    spec: Arc<Spec>,
    file: PathBuf,
    edits: Edits,
}

impl Catalog {
    /// Reads the directories; those that are not there have nothing.
    pub(crate) fn read(directories: &[PathBuf]) -> Self {
        let mut catalog = Self::default();
        for directory in directories {
            let mut here = Self::default();
            let mut twice = BTreeSet::new();
            for file in files(directory) {
                match load(&file) {
                    Ok(spec) => here.add(&file, spec, &mut twice),
                    Err(why) => {
                        let file = file.display();
                        let warning =
                            format!("CDI: Error associated with spec file {file}: failed to load CDI Spec {why}");
                        here.warnings.push(warning);
                    }
                }
            }
            here.devices.retain(|name, _| !twice.contains(name));
            catalog.devices.extend(here.devices);
            catalog.warnings.extend(here.warnings);
        }
        catalog
    }

    fn add(&mut self, file: &Path, spec: Spec, twice: &mut BTreeSet<String>) {
        let spec = Arc::new(spec);
        for device in &spec.devices {
            let name = format!("{}={}", spec.kind, device.name);
            let entry = Entry {
                edits: device.container_edits.clone(),
                spec: Arc::clone(&spec),
                file: file.to_owned(),
            };
            if let Some(other) = self.devices.insert(name.clone(), entry) {
                let (one, other) = (file.display(), other.file.display());
                let why = format!("conflicting device {name:?} (specs {other:?}, {one:?})");
                self.warnings
                    .push(format!("CDI: Error associated with spec file {one}: {why}"));
                twice.insert(name);
            }
        }
    }

    /// The names of all devices.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.devices.keys().map(String::as_str)
    }

    /// Adds what the devices `ids` bring to `edits`; what is said for all devices of a file comes once, from `seen` on.
    fn inject<'a>(&'a self, ids: &[String], seen: &mut BTreeSet<&'a Path>, edits: &mut Edits) -> Result<()> {
        let unknown: Vec<&str> = ids
            .iter()
            .filter(|id| !self.devices.contains_key(*id))
            .map(String::as_str)
            .collect();
        if !unknown.is_empty() {
            let unknown = unknown.join(", ");
            return Err(failed(&format!("unresolvable CDI devices {unknown}")));
        }
        for entry in ids.iter().filter_map(|id| self.devices.get(id)) {
            if seen.insert(&entry.file) {
                edits.append(&entry.spec.container_edits);
            }
            edits.append(&entry.edits);
        }
        Ok(())
    }
}

/// What a container gets by its requests for devices. `directories` is empty where CDI is switched off.
///
/// # Errors
/// A request that no driver answers, or a device that no file has.
pub(crate) fn resolve(requests: &[DeviceRequest], directories: Option<&[PathBuf]>) -> Result<Edits> {
    let mut edits = Edits::default();
    if requests.is_empty() {
        return Ok(edits);
    }
    let catalog = directories.map(Catalog::read);
    let mut seen = BTreeSet::new();
    for request in requests {
        match &catalog {
            Some(catalog) if request.driver == "cdi" => {
                if request.count != 0 {
                    return Err(Error::internal("unexpected count in CDI device request"));
                }
                if !request.options.is_empty() {
                    return Err(Error::internal("unexpected options in CDI device request"));
                }
                catalog.inject(&request.device_ids, &mut seen, &mut edits)?;
            }
            _ => return Err(no_driver(request)),
        }
    }
    Ok(edits)
}

fn no_driver(request: &DeviceRequest) -> Error {
    let sets: Vec<String> = request
        .capabilities
        .iter()
        .map(|set| format!("[{}]", set.join(" ")))
        .collect();
    let (driver, sets) = (&request.driver, sets.join(" "));
    Error::internal(format!(
        "could not select device driver {driver:?} with capabilities: [{sets}]"
    ))
}

/// Docker's words around what the library says.
pub(crate) fn failed(why: &str) -> Error {
    Error::internal(format!("CDI device injection failed: {why}"))
}

/// The files of a directory that may be specifications, by name.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let is_spec = |path: &PathBuf| {
        path.extension()
            .is_some_and(|ending| ending == "json" || ending == "yaml")
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_spec).collect();
    files.sort();
    files
}

fn load(path: &Path) -> std::result::Result<Spec, String> {
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(FILE_BYTES).read_to_string(&mut text));
    let shown = path.display().to_string();
    read.map_err(|error| format!("failed to read CDI Spec {shown:?}: {error}"))?;
    // All JSON is YAML; the reader of YAML has less of it than that of JSON.
    let document = match serde_json::from_str(&text) {
        Ok(document) => document,
        Err(_) => yaml::parse(&text).map_err(|error| {
            format!(
                "failed to parse CDI Spec {shown:?}: failed to unmarshal CDI Spec: error converting YAML to JSON: {error}"
            )
        })?,
    };
    Spec::parse(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let path = std::env::temp_dir().join(format!("corten-cdi-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        for (name, text) in files {
            fs::write(path.join(name), text).unwrap();
        }
        path
    }

    fn request(driver: &str, ids: &[&str]) -> DeviceRequest {
        DeviceRequest {
            driver: driver.to_owned(),
            device_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..DeviceRequest::default()
        }
    }

    const ONE: &str = "cdiVersion: 0.3.0\nkind: v.com/c\ncontainerEdits: {env: [ALL=1]}\ndevices:\n\
                       - name: a\n  containerEdits:\n    env: [A=1]\n- name: b\n  containerEdits: {env: [B=1]}\n";

    #[test]
    fn devices_are_found_and_bring_what_their_files_say() {
        let low = directory("low", &[("one.yaml", ONE), ("bad.json", "{"), ("other.txt", "x")]);
        let over =
            r#"{"cdiVersion":"0.3.0","kind":"v.com/c","devices":[{"name":"b","containerEdits":{"env":["B=2"]}}]}"#;
        let high = directory("high", &[("over.json", over)]);
        let both = [low.clone(), high.clone(), "/nowhere".into()];
        let catalog = Catalog::read(&both);
        assert_eq!(catalog.names().collect::<Vec<_>>(), ["v.com/c=a", "v.com/c=b"]);
        assert_eq!(catalog.warnings.len(), 1, "{:?}", catalog.warnings);
        let env = |ids: &[&str], of: &[PathBuf]| resolve(&[request("cdi", ids)], Some(of)).map(|edits| edits.env);
        assert_eq!(env(&["v.com/c=a"], &both).unwrap(), ["ALL=1", "A=1"]);
        assert_eq!(
            env(&["v.com/c=b", "v.com/c=a"], &both).unwrap(),
            ["B=2", "ALL=1", "A=1"]
        );
        assert_eq!(
            env(&["v.com/c=a", "v.com/c=b"], &both[..1]).unwrap(),
            ["ALL=1", "A=1", "B=1"]
        );
        let message = env(&["v.com/c=x", "v.com/c=a", "y"], &both).unwrap_err().message;
        assert_eq!(
            message,
            "CDI device injection failed: unresolvable CDI devices v.com/c=x, y"
        );
        // Named twice in one directory: none.
        fs::write(high.join("more.yaml"), ONE).unwrap();
        assert_eq!(
            Catalog::read(std::slice::from_ref(&high)).names().collect::<Vec<_>>(),
            ["v.com/c=a"]
        );
        for directory in [low, high] {
            fs::remove_dir_all(directory).unwrap();
        }
    }

    #[test]
    fn requests_without_a_driver_are_refused_in_dockers_words() {
        let gpu = DeviceRequest {
            capabilities: [["gpu", "x"].map(str::to_owned).into_iter().collect()]
                .into_iter()
                .collect(),
            ..DeviceRequest::default()
        };
        let refused = |request: DeviceRequest, of: Option<&[PathBuf]>| resolve(&[request], of).unwrap_err().message;
        let none = "could not select device driver \"\" with capabilities: [[gpu x]]";
        assert_eq!(refused(gpu, Some(&[])), none);
        let off = "could not select device driver \"cdi\" with capabilities: []";
        assert_eq!(refused(request("cdi", &["a"]), None), off);
        let counted = DeviceRequest {
            count: 1,
            ..request("cdi", &["a"])
        };
        assert_eq!(refused(counted, Some(&[])), "unexpected count in CDI device request");
    }
}
