//! Records in real files.

use super::*;

fn target(directory: &std::path::Path, max_size_bytes: u64, max_files: u32) -> Target {
    Target {
        path: directory.join("c-json.log"),
        max_size_bytes,
        max_files,
        attributes: BTreeMap::new(),
        format: Format::JsonLines,
    }
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_unix(second, 0)
}

#[test]
fn writes_dockers_format() {
    let directory = tempfile::tempdir().unwrap();
    let mut target = target(directory.path(), 0, 1);
    target.attributes = [("b".into(), "<2>".into()), ("a".into(), "1".into())].into();
    let mut recorder = Recorder::open(&target).unwrap();
    recorder.record(Stream::Stdout, b"one\ntw", Timestamp::from_unix(0, 500_000_000));
    recorder.record(Stream::Stderr, b"err\n", second(1));
    recorder.record(Stream::Stdout, b"o\nrest", second(2));
    recorder.finish(Stream::Stdout, second(3));
    recorder.finish(Stream::Stderr, second(3));
    let attrs = r#""attrs":{"a":"1","b":"\u003c2\u003e"}"#;
    let expected = format!(
        "{{\"log\":\"one\\n\",\"stream\":\"stdout\",{attrs},\"time\":\"1970-01-01T00:00:00.5Z\"}}\n\
         {{\"log\":\"err\\n\",\"stream\":\"stderr\",{attrs},\"time\":\"1970-01-01T00:00:01Z\"}}\n\
         {{\"log\":\"two\\n\",\"stream\":\"stdout\",{attrs},\"time\":\"1970-01-01T00:00:02Z\"}}\n\
         {{\"log\":\"rest\",\"stream\":\"stdout\",{attrs},\"time\":\"1970-01-01T00:00:03Z\"}}\n"
    );
    assert_eq!(std::fs::read_to_string(&target.path).unwrap(), expected);
}

#[test]
fn rotates_at_the_size_and_keeps_the_newest() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(directory.path(), 150, 3);
    let mut recorder = Recorder::open(&target).unwrap();
    let lines: String = (0..9).map(|line| format!("line {line}\n")).collect();
    recorder.record(Stream::Stdout, lines.as_bytes(), second(0));
    let mut names: Vec<_> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["c-json.log", "c-json.log.1", "c-json.log.2"]);
    // 65 bytes a record, so the third of a file reaches 150.
    let held = |suffix: &str| {
        let text = std::fs::read_to_string(format!("{}{suffix}", target.path.display())).unwrap();
        text.lines()
            .map(|line| line[13..14].parse::<u32>().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (held(".2"), held(".1"), held("")),
        (vec![0, 1, 2], vec![3, 4, 5], vec![6, 7, 8])
    );
    recorder.record(Stream::Stdout, b"line 9\n", second(0));
    assert_eq!(
        (held(".2"), held(".1"), held("")),
        (vec![3, 4, 5], vec![6, 7, 8], vec![9])
    );
}

#[test]
fn one_file_starts_again() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(directory.path(), 100, 1);
    let mut recorder = Recorder::open(&target).unwrap();
    recorder.record(Stream::Stdout, b"a\nb\nc\n", second(0));
    let text = std::fs::read_to_string(&target.path).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
}

#[test]
fn continues_behind_a_torn_line() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(directory.path(), 0, 1);
    std::fs::write(&target.path, "{\"log\":\"to").unwrap();
    Recorder::open(&target)
        .unwrap()
        .record(Stream::Stdout, b"a\n", second(0));
    let text = std::fs::read_to_string(&target.path).unwrap();
    assert_eq!(
        text.lines().nth(1),
        Some(r#"{"log":"a\n","stream":"stdout","time":"1970-01-01T00:00:00Z"}"#)
    );
}

/// `/dev/full` refuses every write as a full disk does.
#[test]
fn a_full_disk_costs_records_only() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(directory.path(), 0, 1);
    let mut recorder = Recorder::open(&target).unwrap();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let file = recorder.file.replace_file(full);
    recorder.record(Stream::Stdout, b"lost\n", second(0));
    drop(recorder.file.replace_file(file));
    recorder.record(Stream::Stdout, b"kept\n", second(0));
    let text = std::fs::read_to_string(&target.path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[0].contains("65 bytes of the log were lost"), "{text}");
    assert!(lines[1].contains("kept"), "{text}");
}

#[test]
fn writes_the_format_of_dockers_local_driver() {
    let directory = tempfile::tempdir().unwrap();
    let mut target = target(directory.path(), 0, 1);
    target.format = Format::Local;
    let mut recorder = Recorder::open(&target).unwrap();
    recorder.record(Stream::Stderr, b"b\xff\n", Timestamp::from_unix(1, 300));
    recorder.record(Stream::Stdout, b"c", second(2));
    recorder.finish(Stream::Stdout, second(3));
    let id = format!("{:064x}", 3_000_000_000_u64);
    let first = b"\x0a\x06stderr\x10\xac\x96\xeb\xdc\x03\x1a\x02b\xff";
    let rest = [
        b"\x0a\x06stdout\x10\x80\xbc\xc1\x96\x0b\x1a\x01c \x01\x2aD\x12\x40".as_slice(),
        id.as_bytes(),
        b"\x18\x01",
    ]
    .concat();
    let framed = |message: &[u8]| {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&length, message, &length].concat()
    };
    assert_eq!(
        std::fs::read(&target.path).unwrap(),
        [framed(first), framed(&rest)].concat()
    );
}

#[test]
fn a_torn_record_goes() {
    let directory = tempfile::tempdir().unwrap();
    let mut target = target(directory.path(), 0, 1);
    target.format = Format::Local;
    let mut recorder = Recorder::open(&target).unwrap();
    recorder.record(Stream::Stdout, b"one\ntwo\n", second(1));
    let whole = std::fs::read(&target.path).unwrap();
    for torn in [1, 4, 9, 20] {
        std::fs::write(&target.path, [&whole[..], &whole[..torn]].concat()).unwrap();
        drop(Recorder::open(&target).unwrap());
        assert_eq!(std::fs::read(&target.path).unwrap(), whole, "{torn}");
    }
    assert_eq!(local::whole_length(&whole[..whole.len() - 1]), whole.len() / 2);
}

#[test]
fn compressed_files_move_along_and_a_lock_defers_rotation() {
    let directory = tempfile::tempdir().unwrap();
    let target = target(directory.path(), 60, 4);
    let mut recorder = Recorder::open(&target).unwrap();
    let aged = |suffix: &str| std::path::PathBuf::from(format!("{}{suffix}", target.path.display()));
    recorder.record(Stream::Stdout, b"a\n", second(0));
    recorder.record(Stream::Stdout, b"b\n", second(0));
    assert!(recorder.was_rotated() && !recorder.was_rotated());
    std::fs::rename(aged(".1"), aged(".1.gz")).unwrap();
    recorder.record(Stream::Stdout, b"c\n", second(0));
    recorder.record(Stream::Stdout, b"d\n", second(0));
    let there = |suffixes: &[&str]| suffixes.iter().all(|suffix| aged(suffix).exists());
    assert!(there(&["", ".1", ".2", ".3.gz"]) && !aged(".2.gz").exists());
    recorder.was_rotated();
    let lock = std::fs::File::open(&directory).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    recorder.record(Stream::Stdout, b"e\n", second(0));
    assert!(!recorder.was_rotated() && aged(".3.gz").exists());
    drop(lock);
    recorder.record(Stream::Stdout, b"f\n", second(0));
    assert!(recorder.was_rotated() && !aged(".3.gz").exists() && aged(".3").exists());
}
