//! The reader over files that are written, rotated and removed under it.

use std::fmt::Write as _;
use std::fs::File;

use super::super::compress::compress;
use super::super::source::rotated;
use super::*;

fn all() -> Selection {
    Selection {
        stdout: true,
        stderr: true,
        since: None,
        until: None,
        tail: None,
        timestamps: false,
        prefix: String::new(),
        framed: false,
        format: Format::JsonLines,
    }
}

fn lines(range: std::ops::Range<u32>) -> String {
    range.fold(String::new(), |mut text, number| {
        writeln!(
            text,
            r#"{{"log":"{number}\n","stream":"stdout","time":"2024-01-01T00:00:{:02}Z"}}"#,
            number % 60
        )
        .unwrap();
        text
    })
}

fn read(path: &Path, selection: Selection) -> String {
    let mut output = Vec::new();
    let mut reader = Reader::open(path, selection).unwrap();
    while reader.fill(&mut output, 7).unwrap() {}
    String::from_utf8(output)
        .unwrap()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_log_that_is_removed_under_its_reader_ends() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    std::fs::write(&path, lines(0..2)).unwrap();
    let mut reader = Reader::open(&path, all()).unwrap();
    let mut output = Vec::new();
    assert!(!reader.fill(&mut output, 1000).unwrap());
    std::fs::remove_file(&path).unwrap();
    assert!(!reader.fill(&mut output, 1000).unwrap());
    assert_eq!(output, b"0\n1\n");
}

#[test]
fn rotated_files_in_order_and_tail() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    assert_eq!(read(&path, all()), "");
    std::fs::write(directory.path().join("log.2"), lines(0..2)).unwrap();
    std::fs::write(directory.path().join("log.1"), lines(2..4)).unwrap();
    std::fs::write(&path, lines(4..6) + "{\"log\":\"half").unwrap();
    assert_eq!(read(&path, all()), "0 1 2 3 4 5");
    for (tail, expected) in [
        (0, ""),
        (1, "5"),
        (2, "4 5"),
        (3, "3 4 5"),
        (5, "1 2 3 4 5"),
        (6, "0 1 2 3 4 5"),
        (99, "0 1 2 3 4 5"),
    ] {
        assert_eq!(
            read(
                &path,
                Selection {
                    tail: Some(tail),
                    ..all()
                }
            ),
            expected,
            "{tail}"
        );
    }
    let at = |seconds: i64| Some(Timestamp::from_unix(1_704_067_200 + seconds, 0));
    assert_eq!(
        read(
            &path,
            Selection {
                since: at(2),
                until: at(4),
                ..all()
            }
        ),
        "2 3 4"
    );
    assert_eq!(read(&path, Selection { stdout: false, ..all() }), "");
}

#[test]
fn follows_through_rotation() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let mut reader = Reader::open(&path, all()).unwrap();
    let mut output = Vec::new();
    assert!(!reader.fill(&mut output, 1000).unwrap());
    std::fs::write(&path, lines(0..1)).unwrap();
    reader.fill(&mut output, 1000).unwrap();
    std::fs::write(directory.path().join("more"), "").unwrap();
    let mut file = File::options().append(true).open(&path).unwrap();
    io::Write::write_all(&mut file, lines(1..2).as_bytes()).unwrap();
    std::fs::rename(&path, directory.path().join("log.1")).unwrap();
    std::fs::write(&path, lines(2..3)).unwrap();
    std::fs::rename(directory.path().join("log.1"), directory.path().join("log.2")).unwrap();
    std::fs::rename(&path, directory.path().join("log.1")).unwrap();
    std::fs::write(&path, lines(3..4)).unwrap();
    while reader.fill(&mut output, 1000).unwrap() {}
    assert_eq!(String::from_utf8(output).unwrap(), "0\n1\n2\n3\n");
}

/// Rotates as the shim does, as fast as it can, while readers follow and others begin at the end.
#[test]
fn nothing_is_lost_or_repeated_while_files_are_rotated() {
    const LINES: u32 = 6_000;
    const PER_FILE: u32 = 60;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let write = |path: &Path| {
        for first in (0..LINES).step_by(PER_FILE as usize) {
            for age in (1..first / PER_FILE + 1).rev() {
                match std::fs::rename(rotated(path, age), rotated(path, age + 1)) {
                    Ok(()) => {}
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::NotFound),
                }
            }
            if first > 0 {
                std::fs::rename(path, rotated(path, 1)).unwrap();
            }
            let mut file = File::create(path).unwrap();
            for number in first..(first + PER_FILE).min(LINES) {
                io::Write::write_all(&mut file, lines(number..number + 1).as_bytes()).unwrap();
            }
        }
    };
    let numbers = |output: &[u8]| -> Vec<u32> {
        let text = std::str::from_utf8(output).unwrap();
        text.lines().map(|line| line.parse().unwrap()).collect()
    };
    let follow = || {
        let (mut reader, mut output) = (Reader::open(&path, all()).unwrap(), Vec::new());
        while !output.ends_with(format!("\n{}\n", LINES - 1).as_bytes()) {
            if !reader.fill(&mut output, 1000).unwrap() {
                std::thread::yield_now();
            }
        }
        let seen = numbers(&output);
        let wrong = seen.iter().zip(0..).find(|(seen, want)| *seen != want);
        assert_eq!((wrong, seen.len()), (None, LINES as usize));
    };
    let tails = || {
        loop {
            let tail = Selection {
                tail: Some(150),
                ..all()
            };
            let (mut reader, mut output) = (Reader::open(&path, tail).unwrap(), Vec::new());
            while reader.fill(&mut output, 100_000).unwrap() {}
            let seen = numbers(&output);
            let first = seen.first().copied().unwrap_or_default();
            let wrong = seen.iter().zip(first..).find(|(seen, want)| *seen != want);
            assert_eq!(wrong, None);
            assert!(seen.len() >= 150 || first == 0, "{} from {first}", seen.len());
            if seen.last() == Some(&(LINES - 1)) {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| write(&path));
        scope.spawn(follow);
        scope.spawn(follow);
        scope.spawn(tails);
    });
}

#[test]
fn frames_and_times() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    std::fs::write(&path, lines(1..2)).unwrap();
    let selection = Selection {
        timestamps: true,
        framed: true,
        prefix: "a=b ".to_owned(),
        ..all()
    };
    let mut output = Vec::new();
    Reader::open(&path, selection).unwrap().fill(&mut output, 1000).unwrap();
    assert_eq!(output, b"\x01\0\0\0\0\0\0\x252024-01-01T00:00:01.000000000Z a=b 1\n");
}

/// Packs `path`'s rotated files and says which names there are then.
fn packed(path: &Path) -> Vec<String> {
    compress(path).unwrap();
    let names = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn compressed_files_read_like_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    std::fs::write(rotated(&path, 2), lines(0..2)).unwrap();
    std::fs::write(rotated(&path, 1), lines(2..4)).unwrap();
    std::fs::write(&path, lines(4..6)).unwrap();
    assert_eq!(packed(&path), ["log", "log.1.gz", "log.2.gz"]);
    for tail in 0..8 {
        let selection = Selection {
            tail: Some(tail),
            ..all()
        };
        let expected: Vec<String> = (6 - tail.min(6)..6).map(|number| number.to_string()).collect();
        assert_eq!(read(&path, selection), expected.join(" "), "{tail}");
    }
    assert_eq!(read(&path, all()), "0 1 2 3 4 5");
    // A plain file beside its compressed one is what a daemon that was killed leaves.
    std::fs::write(rotated(&path, 2), lines(0..2)).unwrap();
    assert_eq!(read(&path, all()), "0 1 2 3 4 5");
    assert_eq!(packed(&path), ["log", "log.1.gz", "log.2.gz"]);
}

#[test]
fn a_damaged_compressed_file_costs_its_own_lines_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    std::fs::write(rotated(&path, 1), lines(0..2)).unwrap();
    std::fs::write(&path, lines(2..4)).unwrap();
    packed(&path);
    let whole = std::fs::read(directory.path().join("log.1.gz")).unwrap();
    for length in [0, 5, whole.len() / 2] {
        std::fs::write(directory.path().join("log.1.gz"), &whole[..length]).unwrap();
        assert!(read(&path, all()).ends_with("2 3"), "{length}");
    }
}

#[test]
fn a_reader_goes_on_when_its_file_is_compressed_under_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    std::fs::write(&path, lines(0..2)).unwrap();
    let (mut reader, mut output) = (Reader::open(&path, all()).unwrap(), Vec::new());
    assert!(!reader.fill(&mut output, 1000).unwrap());
    let mut file = File::options().append(true).open(&path).unwrap();
    io::Write::write_all(&mut file, lines(2..3).as_bytes()).unwrap();
    std::fs::rename(&path, rotated(&path, 1)).unwrap();
    std::fs::write(&path, lines(3..4)).unwrap();
    assert_eq!(packed(&path), ["log", "log.1.gz"]);
    while reader.fill(&mut output, 1000).unwrap() {}
    assert_eq!(output, b"0\n1\n2\n3\n");
}

/// The shim's own writer in both formats, the daemon's compression, and readers, all at once.
#[test]
fn nothing_is_lost_while_files_are_rotated_and_compressed() {
    use corten_shim::log::{Recorder, Stream, Target};
    const LINES: u32 = 4_000;
    for format in [Format::JsonLines, Format::Local] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let target = Target {
            path: path.clone(),
            max_size_bytes: 4_000,
            max_files: 1_000,
            attributes: std::collections::BTreeMap::new(),
            format,
        };
        let write = || {
            let mut recorder = Recorder::open(&target).unwrap();
            for number in 0..LINES {
                recorder.record(Stream::Stdout, format!("{number}\n").as_bytes(), Timestamp::now());
            }
        };
        let last = format!("\n{}\n", LINES - 1);
        let follow = || {
            let selection = Selection { format, ..all() };
            let (mut reader, mut output) = (Reader::open(&path, selection).unwrap(), Vec::new());
            while !output.ends_with(last.as_bytes()) {
                if !reader.fill(&mut output, 1000).unwrap() {
                    std::thread::yield_now();
                }
            }
            let expected: String = (0..LINES).map(|number| format!("{number}\n")).collect();
            assert!(output == expected.as_bytes(), "{format:?}: {} bytes", output.len());
        };
        std::thread::scope(|scope| {
            let writer = scope.spawn(write);
            scope.spawn(follow);
            scope.spawn(follow);
            while !writer.is_finished() {
                compress(&path).unwrap();
            }
        });
        follow();
        compress(&path).unwrap();
        follow();
        let tail = Selection {
            tail: Some(700),
            format,
            ..all()
        };
        assert_eq!(read(&path, tail).split(' ').count(), 700, "{format:?}");
    }
}
