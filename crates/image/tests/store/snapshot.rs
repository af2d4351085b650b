//! Views of images and copying out of them. Needs root and overlayfs.

use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::archive::{Entry, config, directory, docker_archive, entry, file, link, tar};
use corten_base::{ContainerId, Digest};
use corten_image::Store;
use corten_image::snapshot::copy_up;

/// How many lines of the mount table speak of `place`; others may mount and unmount meanwhile.
fn mounts(place: &Path) -> usize {
    let place = place.to_str().expect("text");
    std::fs::read_to_string("/proc/self/mountinfo")
        .expect("mount table")
        .lines()
        .filter(|line| line.contains(place))
        .count()
}

#[test]
fn a_view_is_merged_and_in_no_mount_table() {
    let place = tempfile::tempdir().expect("temporary directory");
    let store = Store::open(&place.path().join("image")).expect("open");
    let below = tar(&[
        Entry {
            owner: 33,
            ..directory("data", 0o750)
        },
        Entry {
            mode: 0o4755,
            owner: 5,
            ..file("data/program", b"old")
        },
        file("data/hidden", b"x"),
        file("secret", b"x"),
        link(b'2', "volume", "/data"),
    ]);
    let above = tar(&[
        file("data/.wh.hidden", b""),
        Entry {
            mode: 0o4755,
            owner: 5,
            ..file("data/program", b"new")
        },
        link(b'1', "data/same", "data/program"),
        link(b'2', "data/link", "../../../secret"),
        Entry {
            mode: 0o600,
            ..entry(b'6', "data/pipe")
        },
        directory("data/deep/er", 0o711),
    ]);
    let layers = [below, above];
    let config = config(&layers);
    store
        .load(&mut &docker_archive(&config, &layers, &["v:1"])[..], &mut |_| {})
        .expect("loads");
    let view = store.view_image(&Digest::of(&config)).expect("view");
    assert_eq!(mounts(place.path()), 0);
    let merged = std::path::PathBuf::from(format!("/proc/self/fd/{}", view.as_raw_fd()));
    assert_eq!(std::fs::read(merged.join("data/program")).expect("read"), b"new");
    assert!(std::fs::write(merged.join("data/program"), b"x").is_err(), "read-only");

    let into = place.path().join("volume");
    std::fs::create_dir(&into).expect("mkdir");
    assert!(!copy_up(view.as_fd(), Path::new("/nowhere"), &into, &|uid, gid| (uid, gid)).expect("fine"));
    assert!(
        !copy_up(view.as_fd(), Path::new("/secret"), &into, &|uid, gid| (uid, gid)).expect("fine"),
        "a file is no directory"
    );
    // By way of a link, which is resolved inside the view.
    assert!(copy_up(view.as_fd(), Path::new("/volume"), &into, &|uid, gid| (uid, gid)).expect("copies"));
    let meta =
        |name: &str| std::fs::symlink_metadata(into.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!((meta("").mode() & 0o7777, meta("").uid()), (0o750, 33));
    assert_eq!(
        (
            meta("program").mode() & 0o7777,
            meta("program").uid(),
            meta("program").nlink()
        ),
        (0o4755, 5, 2)
    );
    assert_eq!(
        (meta("program").mtime(), meta("deep/er").mode() & 0o7777),
        (1_700_000_000, 0o711)
    );
    assert_eq!(meta("program").ino(), meta("same").ino());
    assert_eq!(
        std::fs::read_link(into.join("link")).expect("link"),
        Path::new("../../../secret")
    );
    assert_eq!(meta("pipe").mode() & 0o170_777, 0o010_600);
    assert!(!into.join("hidden").exists());
    assert!(
        !copy_up(view.as_fd(), Path::new("/volume"), &into, &|uid, gid| (uid, gid)).expect("fine"),
        "only into an empty directory"
    );
    drop(view);
    assert_eq!(mounts(place.path()), 0);
}

#[test]
fn a_container_has_its_own_layer() {
    let place = tempfile::tempdir().expect("temporary directory");
    let store = Store::open(&place.path().join("image")).expect("open");
    let layer = tar(&[file("a", b"image")]);
    let config = config(std::slice::from_ref(&layer));
    store
        .load(&mut &docker_archive(&config, &[layer], &["v:1"])[..], &mut |_| {})
        .expect("loads");
    let id = Digest::of(&config);
    let container = ContainerId::from_random([3; 32]);
    assert!(store.snapshot(&container).is_err());
    let snapshot = store.create_snapshot(&container, &id).expect("snapshot");
    assert!(store.create_snapshot(&container, &id).is_err(), "one for each");
    std::fs::write(snapshot.upper.join("b"), b"container").expect("write");
    assert_eq!(store.snapshot_size(&container).expect("size"), 9);
    let view = store.view_snapshot(&container).expect("view");
    let merged = std::path::PathBuf::from(format!("/proc/self/fd/{}", view.as_raw_fd()));
    assert_eq!(std::fs::read(merged.join("a")).expect("read"), b"image");
    assert_eq!(std::fs::read(merged.join("b")).expect("read"), b"container");
    let image = store.view_image(&id).expect("view");
    let image = std::path::PathBuf::from(format!("/proc/self/fd/{}", image.as_raw_fd()));
    assert!(
        std::fs::write(image.join("a"), b"x").is_err(),
        "one layer is read-only too"
    );
    assert_eq!(store.snapshots().expect("list"), std::slice::from_ref(&container));
    assert!(
        store
            .create_snapshot(&ContainerId::from_random([4; 32]), &Digest::of(b"?"))
            .is_err()
    );
    store.remove_snapshot(&container).expect("removes");
    store.remove_snapshot(&container).expect("fine if it is gone");
    assert!(!snapshot.upper.exists());
}
