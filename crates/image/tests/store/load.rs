//! Loading archives into a real store. Needs root (owners, devices, trusted attributes).

use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use std::io::Write as _;

use crate::archive::{config, directory, docker_archive, entry, file, link, tar};
use corten_base::{ContainerId, Digest, Platform, Timestamp};
use corten_image::{ImportOptions, LoadEvent, Store};
use serde_json::json;

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
    crate::entries(path)
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

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(content).expect("compress");
    out.finish().expect("compress")
}

fn bzip2(content: &[u8]) -> Vec<u8> {
    let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    out.write_all(content).expect("compress");
    out.finish().expect("compress")
}

fn xz(content: &[u8]) -> Vec<u8> {
    let mut out = liblzma::write::XzEncoder::new(Vec::new(), 1);
    out.write_all(content).expect("compress");
    out.finish().expect("compress")
}

fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).expect("compress")
}

#[test]
fn any_compression_gives_the_same_image() {
    let layer = tar(&[file("a", &b"some content ".repeat(10_000))]);
    let config = config(std::slice::from_ref(&layer));
    let id = Digest::of(&config);
    let plain = docker_archive(&config, std::slice::from_ref(&layer), &["c:1"]);
    let mut archives = vec![plain.clone(), gzip(&plain), bzip2(&plain), xz(&plain), zstd(&plain)];
    for stored in [
        gzip(&layer),
        bzip2(&layer),
        xz(&layer),
        zstd(&layer),
        [zstd(&layer[..99]), zstd(&layer[99..])].concat(),
    ] {
        archives.push(docker_archive(&config, &[stored], &["c:1"]));
    }
    for archive in archives {
        let place = place();
        load(&place.store, &archive).expect("loads");
        let image = place.store.find("c:1").expect("found");
        assert_eq!((image.id, image.size_bytes), (id, 130_000));
        // Saved and loaded elsewhere it is the same, and saved again the same bytes.
        let names = ["c:1".to_owned()];
        let mut saved = Vec::new();
        place.store.save(&names, &mut saved).expect("saves");
        let other = self::place();
        assert_eq!(load(&other.store, &saved), Ok(vec!["Loaded image: c:1".to_owned()]));
        let mut again = Vec::new();
        other.store.save(&names, &mut again).expect("saves");
        assert!(saved == again, "not the same bytes");
    }
}

#[test]
fn oci_layouts_load_too() {
    let layer = tar(&[file("a", b"x")]);
    let stored = gzip(&layer);
    let config = config(std::slice::from_ref(&layer));
    let blob = |content: &[u8]| format!("blobs/sha256/{}", Digest::of(content).hex());
    let describe = |content: &[u8]| json!({"digest": Digest::of(content), "size": content.len(), "mediaType": "x"});
    let manifest = json!({"schemaVersion": 2, "config": describe(&config), "layers": [describe(&stored)]}).to_string();
    let mut foreign = describe(b"not there");
    foreign["platform"] = json!({"os": "linux", "architecture": "s390x"});
    let mut attestation = describe(b"nor there");
    attestation["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    let mut ours = describe(manifest.as_bytes());
    ours["platform"] = json!({"os": "linux", "architecture": Platform::host().architecture});
    let nested = json!({"schemaVersion": 2, "manifests": [foreign, attestation, ours]}).to_string();
    let mut top = describe(nested.as_bytes());
    top["annotations"] =
        json!({"io.containerd.image.name": "docker.io/library/oci:9", "org.opencontainers.image.ref.name": "9"});
    let index = json!({"schemaVersion": 2, "manifests": [top]}).to_string();
    let (manifest_name, nested_name) = (blob(manifest.as_bytes()), blob(nested.as_bytes()));
    let entries = [
        file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
        file("index.json", index.as_bytes()),
        file(&nested_name, nested.as_bytes()),
        file(&manifest_name, manifest.as_bytes()),
    ];
    let (config_name, layer_name) = (blob(&config), blob(&stored));
    let rest = [file(&config_name, &config), file(&layer_name, &stored)];
    let Place { store, .. } = &place();
    assert_eq!(
        load(store, &tar(&entries.into_iter().chain(rest).collect::<Vec<_>>())),
        Ok(vec!["Loaded image: oci:9".to_owned()])
    );
    assert_eq!(store.find("oci:9").expect("found").id, Digest::of(&config));
}

#[test]
fn old_archives_with_linked_layers() {
    let layer = tar(&[file("a", b"x")]);
    let config = config(&[layer.clone(), layer.clone()]);
    let manifest =
        json!([{"Config": "c.json", "RepoTags": null, "Layers": ["one/layer.tar", "two/layer.tar"]}]).to_string();
    let entries = [
        file("one/layer.tar", &layer),
        link(b'2', "two/layer.tar", "../one/layer.tar"),
        file("c.json", &config),
        file("./manifest.json", manifest.as_bytes()),
    ];
    let Place { store, root, .. } = &place();
    assert_eq!(
        load(store, &tar(&entries)),
        Ok(vec![format!("Loaded image ID: {}", Digest::of(&config))])
    );
    assert_eq!((count(&root.join("layers")), count(&root.join("blobs/sha256"))), (2, 2));
    let image = store.find(&Digest::of(&config).hex()[..5]).expect("found");
    assert_eq!(
        store
            .remove(&image.id.to_string(), FORCE, &[])
            .map(|(_, steps)| steps.len())
            .expect("removed"),
        3
    );
    assert_eq!((count(&root.join("layers")), count(&root.join("blobs/sha256"))), (0, 0));
}

const FORCE: corten_image::RemoveOptions = corten_image::RemoveOptions {
    force: true,
    prune: true,
};

#[test]
fn a_name_moves_from_image_to_image() {
    let Place { store, .. } = &place();
    let archive = |content: &[u8]| {
        let layer = tar(&[file("a", content)]);
        let config = config(std::slice::from_ref(&layer));
        (Digest::of(&config), docker_archive(&config, &[layer], &["n:1"]))
    };
    let ((first, one), (second, two)) = (archive(b"1"), archive(b"2"));
    load(store, &one).expect("loads");
    let moved = format!("The image n:1 already exists, renaming the old one with ID {first} to empty string");
    assert_eq!(load(store, &two), Ok(vec![moved, "Loaded image: n:1".to_owned()]));
    assert_eq!(store.find("n:1").expect("found").id, second);
    assert!(store.image(&first).expect("still there").references.is_empty());
    assert_eq!(store.list().expect("list").len(), 2);
}

#[test]
fn import_makes_an_image() {
    let Place { store, .. } = &place();
    let layer = tar(&[file("bin/x", b"x")]);
    let options = ImportOptions {
        reference: Some("made".parse().expect("reference")),
        message: String::new(),
        changes: vec!["CMD [\"/bin/x\"]".to_owned()],
        platform: None,
        created: Timestamp::from_unix(1_700_000_000, 0),
    };
    let id = store.import(&mut &gzip(&layer)[..], &options).expect("imports");
    let image = store.find("made:latest").expect("found");
    assert_eq!(
        (image.id, image.config.rootfs.diff_ids.as_slice()),
        (id, &[Digest::of(&layer)][..])
    );
    assert_eq!(image.config.comment, "Imported from -");
    assert_eq!(
        image.config.config.as_ref().and_then(|config| config.cmd.clone()),
        Some(vec!["/bin/x".to_owned()])
    );
    let history = store.history("made").expect("history");
    assert_eq!(
        (history.len(), history[0].size_bytes, history[0].tags.as_slice()),
        (1, 1, &["made:latest".to_owned()][..])
    );
    let wrong = ImportOptions {
        changes: vec!["FOO".to_owned()],
        ..options
    };
    assert_eq!(
        store.import(&mut &layer[..], &wrong).map_err(|error| error.to_string()),
        Err("FOO is not a valid change command".into())
    );
    let truncated = ImportOptions {
        changes: Vec::new(),
        ..wrong
    };
    assert_eq!(
        store
            .import(&mut &layer[..300], &truncated)
            .map_err(|error| error.to_string()),
        Err("unexpected EOF".into())
    );
    assert_eq!(store.list().expect("list").len(), 1);
}

#[test]
fn hello_world_is_made_once() {
    let Place { store, root, .. } = &place();
    let id = store.ensure_hello_world().expect("made");
    assert_eq!(store.ensure_hello_world().expect("found"), id);
    let snapshot = store.create_snapshot(&container(1), &id).expect("snapshot");
    let output = std::process::Command::new(snapshot.lower[0].join("hello"))
        .output()
        .expect("run");
    assert!(String::from_utf8_lossy(&output.stdout).contains("Hello from Corten!"));
    assert_eq!(count(&root.join("layers")), 1);
}

#[test]
fn loads_side_by_side_share_what_is_the_same() {
    let Place { store, root, .. } = &place();
    let shared = tar(&[file("shared", &[7; 100_000])]);
    let archives: Vec<Vec<u8>> = (0..6)
        .map(|number| {
            let own = tar(&[file("own", &[number / 2; 1000])]);
            let layers = [shared.clone(), own];
            docker_archive(&config(&layers), &layers, &[&format!("side:{number}")])
        })
        .collect();
    std::thread::scope(|scope| {
        for archive in &archives {
            scope.spawn(|| load(store, archive).expect("loads"));
        }
    });
    assert_eq!(store.list().expect("list").len(), 3);
    assert_eq!(
        (
            count(&root.join("layers")),
            count(&root.join("blobs/sha256")),
            count(&root.join("tmp"))
        ),
        (4, 7, 0)
    );
    for number in 0..6 {
        store.remove(&format!("side:{number}"), FORCE, &[]).expect("removes");
    }
    assert_eq!((count(&root.join("layers")), count(&root.join("blobs/sha256"))), (0, 0));
}

#[test]
fn a_base_removed_during_a_load_stays_for_it() {
    let Place { store, root, .. } = &place();
    let base = tar(&[file("base", b"base")]);
    let own = tar(&[file("own", b"own")]);
    let below = config(std::slice::from_ref(&base));
    load(store, &docker_archive(&below, std::slice::from_ref(&base), &["base:1"])).expect("loads");
    let layers = [base, own];
    let archive = docker_archive(&config(&layers), &layers, &["own:1"]);
    let mut removed = 0;
    let mut remove_base = |event| {
        if matches!(event, LoadEvent::Layer { .. }) {
            store.remove("base:1", FORCE, &[]).expect("removes");
            removed += 1;
        }
    };
    store
        .load(&mut &archive[..], &mut remove_base)
        .expect("loads all the same");
    assert_eq!(removed, 1, "only the upper layer is new");
    let snapshot = store
        .create_snapshot(&container(1), &store.find("own:1").expect("found").id)
        .expect("snapshot");
    assert!(snapshot.lower[1].join("base").exists());
    store.remove_snapshot(&container(1)).expect("removes");
    store.remove("own:1", FORCE, &[]).expect("removes");
    assert_eq!((count(&root.join("layers")), count(&root.join("blobs/sha256"))), (0, 0));
}

#[test]
fn a_failed_load_on_a_removed_base_leaves_nothing() {
    let Place { store, root, .. } = &place();
    let base = tar(&[file("base", b"base")]);
    let below = config(std::slice::from_ref(&base));
    load(store, &docker_archive(&below, std::slice::from_ref(&base), &["base:1"])).expect("loads");
    let layers = [base.clone(), tar(&[file("own", b"own")])];
    let wrong = [base, tar(&[file("own", b"other")])];
    let archive = docker_archive(&config(&layers), &wrong, &["own:1"]);
    assert!(load(store, &archive).is_err());
    store.remove("base:1", FORCE, &[]).expect("removes");
    assert_eq!((count(&root.join("layers")), count(&root.join("blobs/sha256"))), (0, 0));
}

#[test]
fn one_process_and_known_formats_only() {
    let Place { store, root, .. } = &place();
    let second = Store::open(root).map(|_| ()).map_err(|error| error.to_string());
    assert!(
        second.is_err_and(|error| error.contains("already open")),
        "the first has it"
    );
    assert!(store.list().expect("list").is_empty());
}
