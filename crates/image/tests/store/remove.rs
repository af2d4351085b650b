//! Removing images by Docker's rules; every message here was seen from dockerd 28.5. Needs root.

use std::path::PathBuf;

use crate::archive::{config, docker_archive, file, tar};
use corten_base::{ContainerId, Digest, Reference};
use corten_image::{RemoveOptions, Removed, Store, User};

struct Place {
    _directory: tempfile::TempDir,
    root: PathBuf,
    store: Store,
    id: Digest,
}

/// A store with one image under `names`.
fn place(names: &[&str]) -> Place {
    let directory = tempfile::tempdir().expect("temporary directory");
    let root = directory.path().join("image");
    let store = Store::open(&root).expect("open");
    let id = add(&store, b"content", names);
    Place {
        _directory: directory,
        root,
        store,
        id,
    }
}

fn add(store: &Store, content: &[u8], names: &[&str]) -> Digest {
    let layers = [tar(&[file("base", b"base")]), tar(&[file("a", content)])];
    let config = config(&layers);
    store
        .load(&mut &docker_archive(&config, &layers, names)[..], &mut |_| {})
        .expect("loads");
    Digest::of(&config)
}

fn user(image: Digest, running: bool) -> User {
    User {
        container: ContainerId::from_random([0xab; 32]),
        image,
        running,
    }
}

impl Place {
    fn remove(&self, reference: &str, force: bool, users: &[User]) -> Result<Vec<String>, String> {
        let removed = self
            .store
            .remove(reference, RemoveOptions { force, prune: true }, users);
        let (_, steps) = removed.map_err(|error| error.to_string())?;
        Ok(steps
            .iter()
            .map(|step| match step {
                Removed::Untagged(name) => format!("untagged {name}"),
                Removed::Deleted(digest) if *digest == self.id => "deleted image".to_owned(),
                Removed::Deleted(_) => "deleted layer".to_owned(),
            })
            .collect())
    }

    fn count(&self, directory: &str) -> usize {
        crate::entries(&self.root.join(directory))
    }
}

fn texts(list: &[&str]) -> Result<Vec<String>, String> {
    Ok(list.iter().map(|text| (*text).to_owned()).collect())
}

#[test]
fn the_last_name_takes_the_image_with_it() {
    let place = place(&["a:1", "b:1"]);
    assert_eq!(place.remove("a:1", false, &[]), texts(&["untagged a:1"]));
    assert_eq!(
        place.remove("b:1", false, &[]),
        texts(&["untagged b:1", "deleted image", "deleted layer", "deleted layer"])
    );
    assert_eq!(
        (place.count("layers"), place.count("blobs/sha256"), place.count("tmp")),
        (0, 0, 0)
    );
    assert_eq!(place.remove("b:1", false, &[]), Err("No such image: b:1".into()));
    assert_eq!(
        place.remove("B", false, &[]),
        Err("invalid reference format: repository name (library/B) must be lowercase".into())
    );
}

#[test]
fn an_id_stands_for_all_names_of_one_repository() {
    let place = place(&["a:1", "b:1"]);
    let id = place.id.hex();
    let short = &id[..12];
    let several =
        format!("conflict: unable to delete {short} (must be forced) - image is referenced in multiple repositories");
    assert_eq!(place.remove(short, false, &[]), Err(several));
    assert_eq!(place.remove("b:1", false, &[]), texts(&["untagged b:1"]));
    assert_eq!(
        place.remove(short, false, &[]),
        texts(&["untagged a:1", "deleted image", "deleted layer", "deleted layer"])
    );
}

#[test]
fn force_takes_all_names() {
    let place = place(&["a:1", "b:1", "b:2"]);
    let removed = place.remove(&place.id.to_string(), true, &[]);
    assert_eq!(
        removed,
        texts(&[
            "untagged a:1",
            "untagged b:1",
            "untagged b:2",
            "deleted image",
            "deleted layer",
            "deleted layer"
        ])
    );
}

#[test]
fn containers_hold_their_image() {
    let place = place(&["a:1"]);
    let short = place.id.hex()[..12].to_owned();
    let (stopped, running) = ([user(place.id, false)], [user(place.id, true)]);
    let named = format!(
        "conflict: unable to remove repository reference \"a:1\" (must force) - container abababababab is using its referenced image {short}"
    );
    assert_eq!(place.remove("a:1", false, &stopped), Err(named));
    let by_stopped = format!(
        "conflict: unable to delete {short} (must be forced) - image is being used by stopped container abababababab"
    );
    assert_eq!(place.remove(&short, false, &stopped), Err(by_stopped));
    let by_running = format!(
        "conflict: unable to delete {short} (cannot be forced) - image is being used by running container abababababab"
    );
    assert_eq!(place.remove(&short, true, &running), Err(by_running));
    assert_eq!(
        place.remove("a:1", true, &running),
        texts(&["untagged a:1"]),
        "its name can go, the image stays"
    );
    assert!(place.store.image(&place.id).is_ok());
    assert_eq!(
        place.remove(&short, true, &stopped),
        texts(&["deleted image", "deleted layer", "deleted layer"])
    );
}

#[test]
fn layers_stay_as_long_as_a_snapshot_needs_them() {
    let place = place(&["a:1"]);
    let container = ContainerId::from_random([1; 32]);
    let snapshot = place.store.create_snapshot(&container, &place.id).expect("snapshot");
    assert_eq!(
        place.remove("a:1", true, &[user(place.id, false)]),
        texts(&["untagged a:1", "deleted image"])
    );
    assert!(snapshot.lower.iter().all(|lower| lower.exists()));
    let Place {
        _directory,
        root,
        store,
        ..
    } = place;
    drop(store);
    let store = Store::open(&root).expect("open again");
    assert_eq!(store.snapshot(&container).expect("still there").lower, snapshot.lower);
    assert!(snapshot.lower.iter().all(|lower| lower.exists()));
    store.remove_snapshot(&container).expect("removes");
    assert!(!snapshot.lower.iter().any(|lower| lower.exists()));
    for name in ["layers", "blobs/sha256", "snapshots", "tmp"] {
        assert_eq!(crate::entries(&root.join(name)), 0, "{name}");
    }
}

#[test]
fn shared_layers_go_with_their_last_image() {
    let place = place(&["a:1"]);
    add(&place.store, b"other", &["b:1"]);
    assert_eq!(place.count("layers"), 3);
    assert_eq!(
        place.remove("a:1", false, &[]),
        texts(&["untagged a:1", "deleted image", "deleted layer"])
    );
    assert_eq!((place.count("layers"), place.count("blobs/sha256")), (2, 3));
}

#[test]
fn tags() {
    let place = place(&["a:1"]);
    let target = |text: &str| text.parse::<Reference>().expect("reference");
    assert_eq!(place.store.tag("a:1", &target("new")).expect("tags"), place.id);
    assert_eq!(
        place.store.find("new:latest").expect("found").repo_tags(),
        ["a:1", "new:latest"]
    );
    let refused = |source: &str, text: &str| {
        place
            .store
            .tag(source, &target(text))
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(refused("nope", "x"), Err("No such image: nope:latest".into()));
    assert_eq!(
        refused("a:1", "sha256:abc"),
        Err("refusing to create an ambiguous tag using digest algorithm as name".into())
    );
    let digest = format!("x@{}", place.id);
    assert_eq!(
        refused("a:1", &digest),
        Err("refusing to create a tag with a digest reference".into())
    );
    let mut out = Vec::new();
    let mut save = |name: &str| {
        place
            .store
            .save(&[name.to_owned()], &mut out)
            .map_err(|error| error.to_string())
    };
    assert_eq!(save("nope"), Err("No such image: nope".into()));
    assert_eq!(save("nope:1"), Err("reference does not exist".into()));
    assert_eq!(save(&place.id.hex()), Ok(()));
}
