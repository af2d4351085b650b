//! Commits of writable layers, and what of them differs. Needs root and overlayfs.

use std::collections::BTreeMap;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::archive::{config, directory, docker_archive, file, tar};
use corten_base::{ContainerId, Digest};
use corten_image::config::{ImageConfig, RootFs};
use corten_image::snapshot::ChangeKind;
use corten_image::{CommitRequest, Committed, Store};
use rustix::fs::{FileType, Mode, XattrFlags, makedev};

struct Place {
    root: tempfile::TempDir,
    store: Store,
    image: Digest,
    container: ContainerId,
    upper: PathBuf,
}

fn place() -> Place {
    let root = tempfile::tempdir().expect("temporary directory");
    let store = Store::open(&root.path().join("image")).expect("open");
    let layers = [tar(&[
        directory("etc", 0o755),
        file("etc/kept", b"1"),
        file("etc/gone", b"2"),
        directory("old", 0o755),
        file("old/hidden", b"3"),
        file("plain", b"4"),
    ])];
    let config = config(&layers);
    store
        .load(&mut &docker_archive(&config, &layers, &["v:1"])[..], &mut |_| {})
        .expect("loads");
    let (image, container) = (Digest::of(&config), ContainerId::from_random([1; 32]));
    let upper = store.create_snapshot(&container, &image).expect("snapshot").upper;
    Place {
        root,
        store,
        image,
        container,
        upper,
    }
}

/// Owners 1000 and above are those of 0 and above inside.
fn inside((user, group): (u32, u32)) -> (u32, u32) {
    let back = |id: u32| if id >= 1000 { id - 1000 } else { id };
    (back(user), back(group))
}

fn commit(place: &Place) -> (Digest, Committed) {
    let mut committed = None;
    let request = CommitRequest {
        container: &place.container,
        parent: Some(place.image),
        reference: None,
        inside: &inside,
    };
    let describe = |made: &Committed| {
        committed = Some(made.clone());
        serde_json::to_vec(&ImageConfig {
            rootfs: RootFs {
                diff_ids: made.diff_ids.clone(),
                ..RootFs::default()
            },
            ..ImageConfig::default()
        })
    };
    let id = place.store.commit(request, || Ok(()), describe).expect("commits");
    (id, committed.expect("it was described"))
}

fn changes(place: &Place) -> Vec<(String, ChangeKind)> {
    let changes = place
        .store
        .snapshot_changes(&place.container, &inside)
        .expect("compares");
    let text = |path: &[u8]| String::from_utf8(path.to_vec()).expect("text");
    changes.iter().map(|change| (text(&change.path), change.kind)).collect()
}

fn write(path: &Path, content: &str) {
    std::fs::write(path, content).expect("write");
}

fn node(path: &Path, kind: FileType, device: u64) {
    rustix::fs::mknodat(rustix::fs::CWD, path, kind, Mode::from(0o640), device).expect("mknod");
}

/// One of everything, as overlayfs leaves it.
fn fill(upper: &Path) -> String {
    let etc = upper.join("etc");
    std::fs::create_dir(&etc).expect("mkdir");
    node(&etc.join("gone"), FileType::CharacterDevice, 0);
    write(&etc.join("new"), "content");
    std::fs::hard_link(etc.join("new"), upper.join("same")).expect("link");
    std::os::unix::fs::symlink("etc/new", upper.join("soft")).expect("symlink");
    let old = upper.join("old");
    std::fs::create_dir(&old).expect("mkdir");
    rustix::fs::setxattr(&old, c"trusted.overlay.opaque", b"y", XattrFlags::empty()).expect("opaque");
    write(&old.join("fresh"), "");
    node(&upper.join("null"), FileType::CharacterDevice, makedev(1, 3));
    node(&upper.join("pipe"), FileType::Fifo, 0);
    node(&upper.join("socket"), FileType::Socket, 0);
    let long = "n".repeat(200);
    write(&upper.join(&long), "long");
    std::os::unix::fs::chown(upper.join(&long), Some(1005), Some(70_000)).expect("chown");
    std::fs::set_permissions(upper.join(&long), std::fs::Permissions::from_mode(0o4711)).expect("chmod");
    rustix::fs::setxattr(
        upper.join(&long),
        c"security.capability",
        CAPABILITY,
        XattrFlags::empty(),
    )
    .expect("setcap");
    rustix::fs::setxattr(upper.join(&long), c"user.note", b"a\nb", XattrFlags::empty()).expect("setxattr");
    long
}

/// `cap_net_raw=ep`, version 2.
const CAPABILITY: &[u8] = &[1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn everything_comes_back() {
    let place = place();
    let long = fill(&place.upper);
    let (id, committed) = commit(&place);
    assert!(!committed.is_empty && committed.diff_ids.len() == 2);
    let view = place.store.view_image(&id).expect("view");
    let merged = PathBuf::from(format!("/proc/self/fd/{}", view.as_raw_fd()));
    let meta =
        |name: &str| std::fs::symlink_metadata(merged.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    for gone in ["etc/gone", "old/hidden", "socket"] {
        assert!(std::fs::symlink_metadata(merged.join(gone)).is_err(), "{gone}");
    }
    assert_eq!(std::fs::read(merged.join("etc/kept")).expect("read"), b"1");
    assert_eq!(std::fs::read(merged.join("same")).expect("read"), b"content");
    assert_eq!((meta("same").nlink(), meta("etc/new").ino()), (2, meta("same").ino()));
    assert_eq!(
        std::fs::read_link(merged.join("soft"))
            .expect("link")
            .as_os_str()
            .as_bytes(),
        b"etc/new"
    );
    assert!(meta("null").file_type().is_char_device() && meta("null").rdev() == makedev(1, 3));
    assert!(meta("pipe").file_type().is_fifo() && meta("pipe").mode() & 0o7777 == 0o640);
    assert!(meta("old/fresh").is_file());
    let file = meta(&long);
    assert_eq!(
        (file.uid(), file.gid(), file.mode() & 0o7777),
        (5, 69_000, 0o4711),
        "owners as inside"
    );
    let mut value = [0; 64];
    for (name, wanted) in [("security.capability", CAPABILITY), ("user.note", b"a\nb")] {
        let length = rustix::fs::getxattr(merged.join(&long), name, &mut value[..]).expect(name);
        assert_eq!(&value[..length], wanted, "{name}");
    }
    let mut written = Vec::new();
    place.store.save(&[id.to_string()], &mut written).expect("saves");
    saved_layers_are_what_their_digests_say(&written, &committed);
    let (again, _) = commit(&place);
    assert_eq!(again, id, "the same files are the same layer");
}

fn saved_layers_are_what_their_digests_say(archive: &[u8], committed: &Committed) {
    let mut reader = ::tar::Archive::new(archive);
    let mut blobs = BTreeMap::new();
    for entry in reader.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).expect("content");
        blobs.insert(path, content);
    }
    for layer in &committed.diff_ids {
        let blob = &blobs[&format!("blobs/sha256/{}", layer.hex())];
        assert_eq!(Digest::of(blob), *layer);
    }
}

#[test]
fn nothing_changed_is_no_layer() {
    let place = place();
    // What the runtime makes in each container, and a directory that overlayfs copied for it.
    std::fs::create_dir_all(place.upper.join("dev")).expect("mkdir");
    std::fs::create_dir_all(place.upper.join("proc")).expect("mkdir");
    std::fs::create_dir(place.upper.join("etc")).expect("mkdir");
    write(&place.upper.join("etc/hosts"), "");
    assert_eq!(changes(&place), []);
    let (_, committed) = commit(&place);
    assert!(committed.is_empty && committed.diff_ids.len() == 1);
    // Somebody's own file there is another matter.
    write(&place.upper.join("dev/mine"), "x");
    let (id, committed) = commit(&place);
    assert!(!committed.is_empty);
    assert_eq!(place.store.history(&id.to_string()).expect("history"), []);
    assert_eq!(
        changes(&place),
        [
            ("/dev".to_owned(), ChangeKind::Modified),
            ("/dev/mine".to_owned(), ChangeKind::Added)
        ]
    );
}

#[test]
fn kinds_of_changes() {
    let place = place();
    let long = fill(&place.upper);
    // Below something with other capabilities alone.
    let below = place.store.snapshot(&place.container).expect("snapshot").lower;
    std::fs::copy(below[0].join("plain"), place.upper.join("plain")).expect("copy");
    let time = std::fs::metadata(below[0].join("plain"))
        .expect("stat")
        .modified()
        .expect("time");
    let copied = std::fs::File::options()
        .write(true)
        .open(place.upper.join("plain"))
        .expect("open");
    copied.set_modified(time).expect("utimes");
    let mode = std::fs::metadata(below[0].join("plain")).expect("stat").permissions();
    copied.set_permissions(mode).expect("chmod");
    let all = changes(&place);
    assert!(
        !all.iter().any(|(path, _)| path == "/plain"),
        "copied up and not changed: {all:?}"
    );
    rustix::fs::setxattr(
        place.upper.join("plain"),
        c"security.capability",
        CAPABILITY,
        XattrFlags::empty(),
    )
    .expect("setcap");
    let wanted = [
        ("/etc", ChangeKind::Modified),
        ("/etc/gone", ChangeKind::Deleted),
        ("/etc/new", ChangeKind::Added),
        (&format!("/{long}"), ChangeKind::Added),
        ("/null", ChangeKind::Added),
        ("/old", ChangeKind::Modified),
        ("/old/fresh", ChangeKind::Added),
        ("/old/hidden", ChangeKind::Deleted),
        ("/pipe", ChangeKind::Added),
        ("/plain", ChangeKind::Modified),
        ("/same", ChangeKind::Added),
        ("/socket", ChangeKind::Added),
        ("/soft", ChangeKind::Added),
    ];
    let wanted: Vec<(String, ChangeKind)> = wanted.iter().map(|(path, kind)| ((*path).to_owned(), *kind)).collect();
    assert_eq!(changes(&place), wanted);
}

#[test]
fn a_failure_leaves_nothing() {
    let place = place();
    fill(&place.upper);
    let request = CommitRequest {
        container: &place.container,
        parent: None,
        reference: None,
        inside: &inside,
    };
    let refused = place
        .store
        .commit(request, || Ok(()), |_| Err(serde::de::Error::custom("refused")));
    assert_eq!(refused.expect_err("refused").to_string(), "refused");
    let root = place.root.path().join("image");
    assert_eq!(
        (crate::entries(&root.join("layers")), crate::entries(&root.join("tmp"))),
        (1, 0)
    );
    let absent = ContainerId::from_random([2; 32]);
    let request = CommitRequest {
        container: &absent,
        ..request
    };
    let missing = place
        .store
        .commit(request, || Ok(()), |_| Ok(Vec::new()))
        .expect_err("it is not there");
    assert_eq!(missing.kind(), corten_image::ErrorKind::NotFound);
}

/// What is below `directory`, in bytes and by names.
fn stored(directory: &Path) -> (u64, Vec<String>) {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let entries: Vec<_> = entries.map(|entry| entry.expect("an entry")).collect();
    let bytes = entries
        .iter()
        .map(|entry| entry.metadata().expect("its size").len())
        .sum();
    let names = entries
        .iter()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    (bytes, names.collect())
}

#[test]
fn content_is_stored_once_and_damage_is_noticed() {
    let place = place();
    let content: Vec<u8> = (0..900_000u32).flat_map(u32::to_le_bytes).collect();
    std::fs::write(place.upper.join("big"), &content).expect("write");
    let hole = std::fs::File::create(place.upper.join("hole")).expect("create");
    hole.set_len(5 << 20).expect("grows");
    let (id, committed) = commit(&place);
    let root = place.root.path().join("image");
    let (bytes, names) = stored(&root.join("blobs/sha256"));
    assert!(bytes < 100_000, "{bytes}: {names:?}");
    let Place {
        root: kept,
        store,
        container,
        ..
    } = place;
    drop(store);
    let store = Store::open(&root).expect("opens again");
    let mut written = Vec::new();
    store.save(&[id.to_string()], &mut written).expect("saves");
    saved_layers_are_what_their_digests_say(&written, &committed);
    // A second store takes it, and gives the same back.
    let other = Store::open(&kept.path().join("other")).expect("opens");
    other.load(&mut &written[..], &mut |_| {}).expect("loads");
    let mut again = Vec::new();
    other.save(&[id.to_string()], &mut again).expect("saves");
    assert!(again == written, "the same bytes");
    let top = std::fs::read_dir(root.join("layers")).expect("layers");
    let file = top
        .map(|layer| layer.expect("a layer").path().join("diff/big"))
        .find(|file| file.exists())
        .expect("the file is there");
    std::fs::write(&file, &content[1..]).expect("damage");
    let error = store.save(&[id.to_string()], &mut Vec::new()).expect_err("damaged");
    assert!(error.to_string().contains("the layer is damaged"), "{error}");
    store.remove_snapshot(&container).expect("removes");
    let options = corten_image::RemoveOptions {
        force: false,
        prune: false,
    };
    store.remove(&id.to_string(), options, &[]).expect("removes");
    let (_, names) = stored(&root.join("blobs/sha256"));
    assert_eq!(names.len(), 2, "those of the first image: {names:?}");
}
