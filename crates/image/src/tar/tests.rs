//! The reader against archives from the `tar` crate's writer, GNU tar's sparse forms, and noise.

use std::io::BufReader;

use proptest::prelude::*;

use super::*;

/// All entries with their content.
fn read(archive: &[u8]) -> Result<Vec<(TarEntry, Vec<u8>)>, TarError> {
    // A small buffer, so that headers and contents lie across its ends.
    let mut tar = TarReader::new(BufReader::with_capacity(700, archive));
    let mut entries = Vec::new();
    while let Some(entry) = tar.next_entry()? {
        let mut content = Vec::new();
        loop {
            let data = tar.fill_data()?;
            if data.is_empty() {
                break;
            }
            let length = data.len();
            content.extend_from_slice(data);
            tar.consume_data(length);
        }
        entries.push((entry, content));
    }
    Ok(entries)
}

fn header(kind: u8, path: &str, size: usize) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_uid(1);
    header.set_gid(2);
    header.set_mtime(3);
    header.set_cksum();
    header
}

fn entry(kind: u8, path: &str, content: &[u8]) -> Vec<u8> {
    let mut out = header(kind, path, content.len()).as_bytes().to_vec();
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
    out
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut text = Vec::new();
    for (key, value) in records {
        let body = key.len() + value.len() + 3;
        let length = body + (body + body.to_string().len()).to_string().len();
        text.extend_from_slice(format!("{length} {key}={value}\n").as_bytes());
    }
    entry(b'x', "pax", &text)
}

#[test]
fn the_end_mark_is_seen() {
    let file = entry(b'0', "a", b"content");
    for (archive, ended) in [
        (Vec::new(), false),
        (file.clone(), false),
        ([file.clone(), vec![0; BLOCK]].concat(), true),
        ([file, vec![0; 2 * BLOCK]].concat(), true),
    ] {
        let mut tar = TarReader::new(&archive[..]);
        while tar.next_entry().unwrap().is_some() {}
        assert_eq!(tar.was_ended(), ended, "{}", archive.len());
    }
}

#[test]
fn long_names_of_both_kinds() {
    let long = "directory/".repeat(30) + "file";
    let gnu = [
        entry(b'L', "././@LongLink", format!("{long}\0").as_bytes()),
        entry(b'0', "short", b"x"),
    ]
    .concat();
    let posix = [
        pax(&[("path", &long), ("mtime", "7.5"), ("uid", "70000")]),
        entry(b'0', "short", b"x"),
    ]
    .concat();
    for archive in [gnu, posix] {
        let entries = read(&archive).expect("valid");
        assert_eq!(
            (entries[0].0.path.as_slice(), entries[0].1.as_slice()),
            (long.as_bytes(), &b"x"[..])
        );
    }
    let link = [
        entry(b'K', "././@LongLink", format!("{long}\0").as_bytes()),
        entry(b'2', "link", b""),
    ]
    .concat();
    assert_eq!(read(&link).expect("valid")[0].0.link, long.as_bytes());
}

#[test]
fn sparse_files_of_pax_forms() {
    let content = [&b"AAAA"[..], b"BB"].concat();
    let segments = vec![Segment { offset: 10, length: 4 }, Segment { offset: 100, length: 2 }];
    let first = pax(&[
        ("GNU.sparse.size", "200"),
        ("GNU.sparse.numblocks", "2"),
        ("GNU.sparse.offset", "10"),
        ("GNU.sparse.numbytes", "4"),
        ("GNU.sparse.offset", "100"),
        ("GNU.sparse.numbytes", "2"),
        ("GNU.sparse.name", "real"),
    ]);
    let second = pax(&[
        ("GNU.sparse.size", "200"),
        ("GNU.sparse.map", "10,4,100,2"),
        ("GNU.sparse.name", "real"),
    ]);
    let third = pax(&[
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.realsize", "200"),
        ("GNU.sparse.name", "real"),
    ]);
    let mut with_map = b"2\n10\n4\n100\n2\n".to_vec();
    with_map.resize(BLOCK, 0);
    with_map.extend_from_slice(&content);
    for archive in [
        [first, entry(b'0', "shown", &content)].concat(),
        [second, entry(b'0', "shown", &content)].concat(),
        [third, entry(b'0', "shown", &with_map)].concat(),
    ] {
        let entries = read(&archive).expect("valid");
        let (entry, read) = &entries[0];
        assert_eq!((entry.path.as_slice(), entry.size, read), (&b"real"[..], 200, &content));
        assert_eq!(entry.sparse.as_ref(), Some(&segments));
    }
    let overlapping = pax(&[("GNU.sparse.size", "200"), ("GNU.sparse.map", "10,4,11,2")]);
    assert!(read(&[overlapping, entry(b'0', "shown", &content)].concat()).is_err());
    let endless = pax(&[
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.realsize", "200"),
    ]);
    assert!(read(&[endless, entry(b'0', "shown", b"99999999999\n")].concat()).is_err());
}

#[test]
fn sparse_files_of_the_old_form() {
    let mut header = header(b'S', "sparse", 6);
    let gnu = header.as_gnu_mut().expect("gnu");
    for (sparse, (offset, length)) in gnu.sparse.iter_mut().zip([(10u64, 4u64), (100, 2)]) {
        sparse.offset.copy_from_slice(format!("{offset:011o}\0").as_bytes());
        sparse.numbytes.copy_from_slice(format!("{length:011o}\0").as_bytes());
    }
    gnu.realsize.copy_from_slice(format!("{:011o}\0", 200).as_bytes());
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    archive.extend_from_slice(b"AAAABB");
    archive.resize(2 * BLOCK, 0);
    let entries = read(&archive).expect("valid");
    assert_eq!(entries[0].0.sparse.as_ref().map(Vec::len), Some(2));
    assert_eq!((entries[0].0.size, entries[0].1.as_slice()), (200, &b"AAAABB"[..]));
}

#[test]
fn sizes_that_no_archive_has() {
    for size in [
        "18446744073709551615",
        "18446744073709551000",
        "9223372036854775807",
        "-1",
        "x",
    ] {
        let archive = [pax(&[("size", size)]), entry(b'0', "huge", b"x")].concat();
        assert!(read(&archive).is_err(), "{size}");
    }
    let long = entry(b'L', "././@LongLink", &vec![b'x'; (1 << 20) + 1]);
    assert!(matches!(read(&long), Err(TarError::FieldTooLong)));
}

proptest! {
    #[test]
    fn reads_what_the_crate_writes(files in prop::collection::vec(("[a-z]{1,10}(/[a-z]{1,90}){0,3}", prop::collection::vec(any::<u8>(), 0..2000)), 0..6)) {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content) in &files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o600);
            builder.append_data(&mut header, path, &**content).expect("writes");
        }
        let archive = builder.into_inner().expect("ends");
        let entries = read(&archive).expect("valid");
        let seen: Vec<_> = entries.into_iter().map(|(entry, content)| (String::from_utf8_lossy(&entry.path).into_owned(), content)).collect();
        prop_assert_eq!(seen, files);
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..3000)) {
        drop(read(&noise));
    }

    /// Valid archives with a few bytes changed and checksums repaired reach further than noise does.
    #[test]
    fn damage_never_panics(changes in prop::collection::vec((0usize..4096, any::<u8>()), 1..8), cut in 0usize..5000) {
        let mut archive = [
            pax(&[("path", "some/name"), ("size", "5"), ("GNU.sparse.map", "0,5")]),
            entry(b'0', "file", b"hello"),
            entry(b'L', "long", b"long/name\0"),
            entry(b'S', "sparse", b"hello"),
        ].concat();
        for (at, byte) in changes {
            if let Some(place) = archive.get_mut(at) {
                *place = byte;
            }
        }
        for block in archive.chunks_exact_mut(BLOCK) {
            let mut header = tar::Header::new_old();
            header.as_mut_bytes().copy_from_slice(block);
            header.set_cksum();
            if block[257..262] == *b"ustar" {
                block.copy_from_slice(header.as_bytes());
            }
        }
        archive.truncate(cut);
        drop(read(&archive));
    }
}
