//! A process that is killed at any effect leaves a whole store: each image is there completely or not at all, nothing
//! unnamed remains after the next open, and the same work can be done again. Needs root; debug builds only, since
//! others have no fault hook.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::archive::{config, docker_archive, file, tar};
use corten_base::{ContainerId, Digest, Timestamp};
use corten_image::{ImportOptions, RemoveOptions, Store};

const ROOT: &str = "CORTEN_TEST_STORE";
const FAULT: &str = "CORTEN_FAULT_FILE";
/// More boundaries than the work below passes.
const BOUNDARIES_MAX: usize = 200;

fn layers() -> [Vec<u8>; 2] {
    [tar(&[file("below", b"below")]), tar(&[file("above", b"above")])]
}

/// What the killed process does: everything that changes a store.
fn work(root: &Path) {
    let store = Store::open(root).expect("open");
    let layers = layers();
    let archive = docker_archive(&config(&layers), &layers, &["crash:1"]);
    store.load(&mut &archive[..], &mut |_| {}).expect("loads");
    let id = Digest::of(&config(&layers));
    let container = ContainerId::from_random([9; 32]);
    store.create_snapshot(&container, &id).expect("snapshot");
    store
        .tag("crash:1", &"crash:2".parse().expect("reference"))
        .expect("tags");
    let options = ImportOptions {
        reference: Some("imported:1".parse().expect("reference")),
        message: String::new(),
        changes: Vec::new(),
        platform: None,
        created: Timestamp::from_unix(1, 0),
    };
    store.import(&mut &layers[0][..], &options).expect("imports");
    store
        .remove(
            "crash:1",
            RemoveOptions {
                force: true,
                prune: true,
            },
            &[],
        )
        .expect("removes");
    store
        .remove(
            "crash:2",
            RemoveOptions {
                force: true,
                prune: true,
            },
            &[],
        )
        .expect("removes");
    store.remove_snapshot(&container).expect("removes");
    store
        .remove(
            "imported:1",
            RemoveOptions {
                force: true,
                prune: true,
            },
            &[],
        )
        .expect("removes");
}

#[test]
fn worker() {
    // Runs as a process of its own, started by the test below.
    if let Some(root) = std::env::var_os(ROOT) {
        work(Path::new(&root));
    }
}

#[test]
fn killed_at_every_effect() {
    if cfg!(not(debug_assertions)) {
        eprintln!("skip: the fault hook is in debug builds only");
        return;
    }
    let place = tempfile::tempdir().expect("temporary directory");
    let fault = place.path().join("fault");
    let mut names = Vec::new();
    for number in 1..BOUNDARIES_MAX {
        let root = place.path().join(format!("store-{number}"));
        std::fs::write(&fault, number.to_string()).expect("write");
        let status = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "crash::worker"])
            .env(ROOT, &root)
            .env(FAULT, &fault)
            .stdout(Stdio::null())
            .status()
            .expect("run");
        if status.success() {
            std::fs::remove_file(&fault).expect("not hit");
            assert!(names.len() > 20, "too few boundaries: {names:?}");
            return;
        }
        assert_eq!(status.signal(), Some(9), "died otherwise at {number} after {names:?}");
        let name = std::fs::read_to_string(place.path().join("fault.hit")).expect("name");
        check(&root, &name);
        names.push(name);
    }
    panic!("never came to the end");
}

/// All that must hold after a death.
fn check(root: &Path, name: &str) {
    let store = Store::open(root).unwrap_or_else(|error| panic!("{name}: {error}"));
    let count = |directory: &str| crate::entries(&root.join(directory));
    assert_eq!(count("tmp"), 0, "{name}");
    for image in store.list().expect("list") {
        let container = ContainerId::from_random([8; 32]);
        let snapshot = store.create_snapshot(&container, &image.id).expect("snapshot");
        for (lower, content) in snapshot.lower.iter().rev().zip(["below", "above"]) {
            assert_eq!(
                std::fs::read_to_string(lower.join(content)).expect("content"),
                content,
                "{name}"
            );
        }
        store
            .save(&[image.id.to_string()], &mut std::io::sink())
            .expect("saves");
        store.remove_snapshot(&container).expect("removes");
    }
    for container in store.snapshots().expect("list") {
        let snapshot = store.snapshot(&container).expect("whole");
        assert!(
            snapshot
                .lower
                .iter()
                .chain([&snapshot.upper, &snapshot.work])
                .all(|path| path.exists()),
            "{name}"
        );
        store.remove_snapshot(&container).expect("removes");
    }
    for image in store.list().expect("list") {
        store
            .remove(
                &image.id.to_string(),
                RemoveOptions {
                    force: true,
                    prune: true,
                },
                &[],
            )
            .expect("removes");
    }
    for directory in ["layers", "blobs/sha256", "snapshots", "tmp"] {
        assert_eq!(count(directory), 0, "{name}: {directory}");
    }
    drop(store);
    work(root);
}
