//! Hostile and damaged archives: each is refused with Docker's message or contained, and leaves nothing.
//! Needs root (owners, devices, trusted attributes).

use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::archive::{Entry, config, directory, docker_archive, entry, file, link, raw, tar};
use corten_base::{ContainerId, Digest};
use corten_image::Store;

struct Place {
    directory: tempfile::TempDir,
    store: Store,
}

fn place() -> Place {
    let directory = tempfile::tempdir().expect("temporary directory");
    let store = Store::open(&directory.path().join("image")).expect("open");
    Place { directory, store }
}

impl Place {
    fn load(&self, archive: &[u8]) -> Result<(), String> {
        self.store
            .load(&mut &archive[..], &mut |_| {})
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    /// Loads an image of one layer and gives its tree.
    fn layer(&self, layer: Vec<u8>) -> Result<PathBuf, String> {
        let config = config(std::slice::from_ref(&layer));
        self.load(&docker_archive(&config, &[layer], &["hostile:1"]))?;
        let byte = u8::try_from(self.store.snapshots().expect("list").len()).expect("few");
        let snapshot = self
            .store
            .create_snapshot(&ContainerId::from_random([byte; 32]), &Digest::of(&config));
        Ok(snapshot.expect("snapshot").lower[0].clone())
    }

    fn assert_empty(&self) {
        let root = self.directory.path().join("image");
        for name in ["blobs/sha256", "layers", "snapshots", "tmp"] {
            assert_eq!(crate::entries(&root.join(name)), 0, "{name}");
        }
        assert!(self.store.list().expect("list").is_empty());
        assert_eq!(
            std::fs::read_dir(self.directory.path()).expect("list").count(),
            1,
            "nothing beside the store"
        );
    }
}

fn metadata(path: &Path) -> std::fs::Metadata {
    std::fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn refused_with_dockers_words_and_nothing_remains() {
    let long = "x".repeat(300);
    let pax_path = format!("{} path={long}\n", long.len() + 10);
    let too_long = format!("openat {long}: file name too long");
    let table: Vec<(Vec<u8>, &str)> = vec![
        (tar(&[file("../evil", b"x")]), "invalid entry name \"../evil\""),
        (
            tar(&[file("a/../../evil", b"x")]),
            "invalid entry name \"a/../../evil\"",
        ),
        (tar(&[file("/../evil", b"x")]), "invalid entry name \"/../evil\""),
        (
            tar(&[link(b'1', "a", "../../../../etc/passwd")]),
            "invalid hardlink target \"../../../../etc/passwd\"",
        ),
        (
            tar(&[link(b'1', "a", "/etc/passwd")]),
            "linkat etc/passwd a: no such file or directory",
        ),
        (
            tar(&[link(b'2', "d", "/etc"), link(b'1', "a", "d/passwd")]),
            "linkat d/passwd a: no such file or directory",
        ),
        (
            tar(&[directory("d", 0o755), link(b'1', "a", "d")]),
            "linkat d a: operation not permitted",
        ),
        (tar(&[file("a/.wh...", b"")]), "invalid whiteout entry \"a/.wh...\""),
        (tar(&[file("a/.wh..", b"")]), "invalid whiteout entry \"a/.wh..\""),
        (tar(&[file("a/.wh.", b"")]), "invalid whiteout entry \"a/.wh.\""),
        (
            tar(&[file("a", b"x"), file("a/b", b"y")]),
            "openat a/b: not a directory",
        ),
        (
            tar(&[link(b'2', "loop", "loop"), file("loop/b", b"y")]),
            "openat loop/b: too many levels of symbolic links",
        ),
        (tar(&[link(b'2', "dangling", "/nowhere"), file("dangling/b", b"y")]), ""),
        (tar(&[file(&"d/".repeat(45), b"")]), ""),
        (tar(&[file("a", &[1; 5000])])[..2000].to_vec(), "unexpected EOF"),
        (tar(&[file("a", b"x")])[..300].to_vec(), "unexpected EOF"),
        (b"hello".repeat(1000), "archive/tar: invalid tar header"),
        (
            tar(&[
                Entry {
                    content: b"99 path=x\n",
                    ..entry(b'x', "pax")
                },
                file("a", b""),
            ]),
            "archive/tar: invalid tar header",
        ),
        (
            tar(&[
                Entry {
                    content: pax_path.as_bytes(),
                    ..entry(b'x', "pax")
                },
                file("a", b""),
            ]),
            &too_long,
        ),
        (tar(&[entry(b'S', "sparse")]), "archive/tar: invalid tar header"),
        (tar(&[entry(b'M', "multi")]), "unhandled tar header type 77"),
    ];
    for (layer, message) in table {
        let place = place();
        let loaded = place.layer(layer);
        if message.is_empty() {
            // Contained rather than refused: the other test looks where it went.
            continue;
        }
        assert_eq!(loaded, Err(message.to_owned()));
        place.assert_empty();
    }
}

#[test]
fn links_lead_no_further_than_the_layer() {
    let place = place();
    let outside = place.directory.path().join("outside");
    std::fs::create_dir(&outside).expect("mkdir");
    let absolute = outside.to_str().expect("text").to_owned();
    let diff = place
        .layer(tar(&[
            link(b'2', "a", &absolute),
            directory("inner", 0o755),
            link(b'2', "b", "../../../../../../../../inner"),
            link(b'2', "c", "/inner"),
            file("b/one", b"1"),
            file("c/two", b"2"),
            file("/absolute", b"3"),
            file("a/evil", b"x"),
        ]))
        .expect("contained");
    assert_eq!(
        std::fs::read_dir(&outside).expect("list").count(),
        0,
        "nothing came out"
    );
    assert_eq!(std::fs::read(diff.join("inner/one")).expect("read"), b"1");
    assert_eq!(std::fs::read(diff.join("inner/two")).expect("read"), b"2");
    assert_eq!(std::fs::read(diff.join("absolute")).expect("read"), b"3");
    assert_eq!(
        std::fs::read(diff.join(absolute.trim_start_matches('/')).join("evil")).expect("inside"),
        b"x"
    );
}

#[test]
fn later_entries_replace_earlier_ones() {
    // Through a link one file has two names; the same name twice is refused.
    let place = place();
    let diff = place
        .layer(tar(&[
            directory("d", 0o755),
            link(b'2', "l", "d"),
            file("d/a", b"first"),
            file("l/a", b"second!"),
            link(b'2', "d/s", "/etc/passwd"),
            file("l/s", b"no longer a link"),
            file("d/m", b"now"),
            directory("l/m", 0o711),
            file("d/m/x", b""),
        ]))
        .expect("loads");
    assert_eq!(std::fs::read(diff.join("d/a")).expect("read"), b"second!");
    assert!(metadata(&diff.join("d/s")).is_file());
    assert_eq!(metadata(&diff.join("d/m")).mode() & 0o7777, 0o711);
    assert!(diff.join("d/m/x").exists());
    assert_eq!(
        place.store.find("hostile:1").expect("found").size_bytes,
        7 + 16 + 1,
        "replaced content does not count"
    );
}

#[test]
fn one_name_twice_is_refused() {
    for twice in [
        [file("a", b"1"), file("./a", b"2")],
        [directory("a", 0o755), directory("a/", 0o755)],
    ] {
        let error = place().layer(tar(&twice)).expect_err("refused");
        assert!(error.contains("duplicates of file paths not supported"), "{error}");
    }
}

#[test]
fn overlay_means_only_what_whiteouts_say() {
    let place = place();
    let records = [
        ("SCHILY.xattr.trusted.overlay.opaque", &b"y"[..]),
        ("SCHILY.xattr.user.overlay.redirect", b"/x"),
        ("SCHILY.xattr.user.kept", b"a\nb"),
        (
            "SCHILY.xattr.security.capability",
            b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        ),
    ];
    let pax: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
    let diff = place
        .layer(tar(&[
            Entry {
                content: &pax,
                ..entry(b'x', "pax")
            },
            Entry {
                mode: 0o4755,
                owner: 7,
                ..file("f", b"x")
            },
            Entry {
                content: &record("SCHILY.xattr.trusted.overlay.opaque", b"y"),
                ..entry(b'x', "pax")
            },
            directory("d", 0o755),
            entry(b'3', "fake-whiteout"),
            Entry {
                device: (1, 3),
                ..entry(b'3', "null")
            },
            file("o/.wh..wh..opq", b""),
            file(".wh..wh.plnk", b""),
            file("both", b"stays"),
            file(".wh.both", b""),
            file(".wh.dir", b""),
            file("dir/inside", b""),
            file(".wh.gone", b""),
        ]))
        .expect("loads");
    let attributes = |name: &str| {
        let mut list = [0u8; 4096];
        let length = rustix::fs::listxattr(diff.join(name), &mut list[..]).expect("list");
        String::from_utf8_lossy(&list[..length]).replace('\0', " ")
    };
    let mut kept: Vec<String> = attributes("f").split_whitespace().map(str::to_owned).collect();
    kept.sort();
    assert_eq!(kept, ["security.capability", "user.kept"]);
    assert_eq!(
        (
            metadata(&diff.join("f")).mode() & 0o7777,
            metadata(&diff.join("f")).uid()
        ),
        (0o4755, 7)
    );
    assert_eq!(attributes("d"), "");
    assert!(!diff.join("fake-whiteout").exists() && !diff.join(".wh..wh.plnk").exists());
    assert_eq!(metadata(&diff.join("null")).rdev(), 0x103);
    assert_eq!(attributes("o").trim(), "trusted.overlay.opaque");
    assert_eq!(
        attributes("dir").trim(),
        "trusted.overlay.opaque",
        "hides below, shows its own"
    );
    assert_eq!(std::fs::read(diff.join("both")).expect("read"), b"stays");
    let gone = metadata(&diff.join("gone"));
    assert!(gone.file_type().is_char_device() && gone.rdev() == 0);
}

/// One PAX record, its length counted with itself.
fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let body = key.len() + value.len() + 3;
    let mut length = body + body.to_string().len();
    length = body + length.to_string().len();
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

#[test]
fn archives_that_do_not_fit_together() {
    let layer = tar(&[file("a", b"x")]);
    let good = config(std::slice::from_ref(&layer));
    let zeros = format!("sha256:{}", "0".repeat(64));
    let wrong = String::from_utf8(good.clone())
        .expect("text")
        .replace(&Digest::of(&layer).to_string(), &zeros)
        .into_bytes();
    let whole = docker_archive(&good, std::slice::from_ref(&layer), &["a:1"]);
    let table: Vec<(Vec<u8>, String)> = vec![
        (
            docker_archive(&wrong, std::slice::from_ref(&layer), &["a:1"]),
            format!(
                "invalid diffID for layer 0: expected \"{zeros}\", got \"{}\"",
                Digest::of(&layer)
            ),
        ),
        (
            docker_archive(&good, &[], &["a:1"]),
            "invalid manifest, layers length mismatch: expected 1, got 0".into(),
        ),
        (
            docker_archive(&good, std::slice::from_ref(&layer), &["A:1"]),
            "invalid reference format: repository name (library/A) must be lowercase".into(),
        ),
        (
            docker_archive(&good, std::slice::from_ref(&layer), &["a"]),
            "invalid tag \"a\"".into(),
        ),
        (whole[..700].to_vec(), "unexpected EOF".into()),
        (whole[..whole.len() - 1700].to_vec(), "unexpected EOF".into()),
        (Vec::new(), "invalid archive: does not contain a manifest.json".into()),
        (b"hello".repeat(1000), "archive/tar: invalid tar header".into()),
        (
            tar(&[file("manifest.json", br#"[{"Config":"c.json","Layers":[]}]"#)]),
            "invalid archive: does not contain c.json".into(),
        ),
    ];
    let many = vec![tar(&[]); 126];
    let windows = String::from_utf8(good.clone())
        .expect("text")
        .replace("linux", "windows")
        .into_bytes();
    let table = table.into_iter().chain([
        (
            docker_archive(&config(&many), &many, &["a:1"]),
            "max depth exceeded".to_owned(),
        ),
        (
            docker_archive(&windows, std::slice::from_ref(&layer), &["a:1"]),
            "cannot load windows image on linux".to_owned(),
        ),
        (
            docker_archive(b"{}", &[], &["a:1"]),
            "invalid image JSON, no RootFS key".to_owned(),
        ),
        (
            docker_archive(&vec![b' '; 17 << 20], &[], &["a:1"]),
            "image configuration is too large".to_owned(),
        ),
    ]);
    for (archive, message) in table {
        let place = place();
        assert_eq!(place.load(&archive), Err(message));
        place.assert_empty();
    }
    let place = place();
    let links = tar(&[
        link(b'2', "manifest.json", "other"),
        link(b'2', "other", "manifest.json"),
    ]);
    assert_eq!(
        place.load(&links),
        Err("invalid archive: does not contain a manifest.json".into())
    );
    let mut unended = raw(&file("manifest.json", b"[]"));
    assert_eq!(place.load(&unended), Ok(()), "no end blocks, as Go's reader accepts");
    unended.extend_from_slice(&raw(&file("../x", b"[]")));
    assert_eq!(place.load(&unended), Err("invalid entry name \"../x\"".into()));
    place.assert_empty();
}

#[test]
fn a_compression_bomb_is_stopped() {
    // 1 GiB of zeros in one file, zstd: about 30 kB.
    let mut header = tar::Header::new_ustar();
    header.set_path("zeros").expect("path");
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(1 << 30);
    header.set_mode(0o644);
    header.set_cksum();
    let mut bomb = zstd::Encoder::new(Vec::new(), 3).expect("encoder");
    std::io::Write::write_all(&mut bomb, header.as_bytes()).expect("header");
    for _ in 0..1024 {
        std::io::Write::write_all(&mut bomb, &[0; 1 << 20]).expect("zeros");
    }
    let bomb = bomb.finish().expect("finish");
    let place = place();
    let layer = tar(&[file("a", b"x")]);
    let loaded = place.load(&docker_archive(&config(&[layer]), &[bomb], &["bomb:1"]));
    assert_eq!(loaded, Err("compressed data expands out of all proportion".into()));
    place.assert_empty();
}
