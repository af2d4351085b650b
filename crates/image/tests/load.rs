//! Loading archives into a real store. Needs root (owners, devices, trusted attributes).

mod archive;

use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use archive::{config, directory, docker_archive, entry, file, link, tar};
use corten_base::{ContainerId, Digest};
use corten_image::{LoadEvent, Store};

struct Place {
    _directory: tempfile::TempDir,
    root: PathBuf,
    store: Store,
}

fn place() -> Place {
    let directory = tempfile::tempdir().expect("temporary directory");
    let root = directory.path().join("image");
    let store = Store::open(&root).expect("open");
    Place {
        _directory: directory,
        root,
        store,
    }
}

fn load(store: &Store, archive: &[u8]) -> Result<Vec<String>, String> {
    let mut messages = Vec::new();
    let mut take = |event| {
        if let LoadEvent::Message(message) = event {
            messages.push(message);
        }
    };
    store
        .load(&mut &archive[..], &mut take)
        .map_err(|error| error.to_string())?;
    Ok(messages)
}

fn container(byte: u8) -> ContainerId {
    ContainerId::from_random([byte; 32])
}

fn count(path: &Path) -> usize {
    std::fs::read_dir(path).expect("list").count()
}

#[test]
fn two_layers_load_and_are_found() {
    let Place { store, root, .. } = &place();
    let below = tar(&[directory("tmp/", 0o1777), file("etc/a", b"one"), file("etc/b", b"two")]);
    let above = tar(&[
        file("tmp/x", b"x"),
        entry(b'0', "etc/.wh.a"),
        link(b'1', "etc/c", "tmp/x"),
    ]);
    let config = config(&[below.clone(), above.clone()]);
    let archive = docker_archive(&config, &[below, above], &["test:one"]);
    assert_eq!(load(store, &archive), Ok(vec!["Loaded image: test:one".to_owned()]));

    let id = Digest::of(&config);
    let image = store.find("test:one").expect("by name");
    assert_eq!(
        (image.id, image.repo_tags(), image.size_bytes),
        (id, vec!["test:one".to_owned()], 7)
    );
    assert_eq!(store.find(&id.hex()[..12]).expect("by prefix").id, id);
    assert_eq!(store.find(&id.to_string()).expect("by id").id, id);
    assert_eq!(
        store.find("test").map(|_| ()).map_err(|error| error.to_string()),
        Err("No such image: test:latest".into())
    );

    let snapshot = store.create_snapshot(&container(1), &id).expect("snapshot");
    assert_eq!(snapshot.lower.len(), 2);
    let top = &snapshot.lower[0];
    let whiteout = std::fs::symlink_metadata(top.join("etc/a")).expect("whiteout");
    assert!(whiteout.file_type().is_char_device() && whiteout.rdev() == 0);
    let implied = std::fs::symlink_metadata(top.join("tmp")).expect("implied directory");
    assert_eq!(implied.mode() & 0o7777, 0o1777, "mode taken from below");
    assert_eq!(
        std::fs::symlink_metadata(top.join("etc/c")).expect("hard link").nlink(),
        2
    );
    assert_eq!(count(&root.join("tmp")), 0);

    drop(load(store, &archive).expect("again"));
    assert_eq!(count(&root.join("layers")), 2);
}
