//! Where plugins lie. The first directory that has a name wins; earlier ones are the user's.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::Plugin;
use crate::config::{Globals, directory};

/// What a plugin's file name begins with.
const PREFIX: &str = "docker-";

/// The system's directories, in the order in which they are looked at.
const SYSTEM: [&str; 4] = [
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
];

/// Every candidate, examined, by name. Their programs are run side by side.
pub(crate) fn all(globals: &Globals, taken: impl Fn(&str) -> bool + Sync) -> Vec<Plugin> {
    let found = candidates(&directories(globals));
    let taken = &taken;
    std::thread::scope(|scope| {
        let asked: Vec<_> = found
            .iter()
            .map(|(name, path)| scope.spawn(move || Plugin::examine(name, path, taken(name))))
            .collect();
        asked.into_iter().filter_map(|one| one.join().ok()).collect()
    })
}

/// The names of all candidates; nobody is asked.
pub(crate) fn names(globals: &Globals) -> Vec<String> {
    candidates(&directories(globals)).into_keys().collect()
}

/// The plugin of that name, if there is one and it is sound.
pub(crate) fn by_name(globals: &Globals, name: &str) -> Option<Plugin> {
    let file = format!("{PREFIX}{name}");
    let path = directories(globals)
        .into_iter()
        .map(|directory| directory.join(&file))
        .find(|path| is_candidate(path))?;
    Some(Plugin::examine(name, &path, false)).filter(|plugin| plugin.error.is_none())
}

fn directories(globals: &Globals) -> Vec<PathBuf> {
    let extra = globals.file().plugin_directories.iter().map(PathBuf::from);
    let own = directory(globals.config.as_deref()).join("cli-plugins");
    extra.chain([own]).chain(SYSTEM.map(PathBuf::from)).collect()
}

fn candidates(directories: &[PathBuf]) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for directory in directories {
        // A directory that is not there holds no plugin.
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()).filter(|path| is_candidate(path)) {
            let name = path.file_name().and_then(|name| name.to_str());
            if let Some(name) = name.and_then(|name| name.strip_prefix(PREFIX)) {
                found.entry(name.to_owned()).or_insert(path);
            }
        }
    }
    found
}

/// A file or a link, wherever it leads.
fn is_candidate(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() || found.is_symlink())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_directory_wins() {
        let directory = tempfile::tempdir().unwrap();
        let (a, b) = (directory.path().join("a"), directory.path().join("b"));
        for place in [&a, &b] {
            fs::create_dir(place).unwrap();
            fs::write(place.join("docker-x"), "").unwrap();
        }
        fs::write(b.join("docker-y"), "").unwrap();
        fs::write(b.join("other"), "").unwrap();
        fs::create_dir(b.join("docker-z")).unwrap();
        let found = candidates(&[directory.path().join("nowhere"), a.clone(), b.clone()]);
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [
                ("x".to_owned(), a.join("docker-x")),
                ("y".to_owned(), b.join("docker-y"))
            ]
        );
    }
}
