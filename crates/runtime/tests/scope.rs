//! Scopes of a service manager that only this test plays: what it is asked, and what happens if it says no.
//! The real one is asked in tests/vm/systemd/checks.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod bundle;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, Sender, channel};

use bundle::{Bundle, bundle};
use serde_json::json;
use tempfile::TempDir;

/// What the manager answers, by the order of calls.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    /// A job that ends with this result, told after the answer.
    Job(&'static str),
    /// The same, told before the answer.
    EarlyJob,
    Done,
    Error(&'static str),
}

/// One call as it came in.
#[derive(Debug)]
struct Call {
    message: Vec<u8>,
}

impl Call {
    fn has(&self, text: &str) -> bool {
        self.message.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// The first of the property `PIDs`.
    fn pid(&self) -> u32 {
        let mark = b"PIDs\0\x02au\0";
        let at = self
            .message
            .windows(mark.len())
            .position(|window| window == mark)
            .unwrap()
            + mark.len();
        let at = at.next_multiple_of(4) + 4;
        u32::from_le_bytes(self.message[at..at + 4].try_into().unwrap())
    }
}

/// Listens where systemd does, seen from [`Manager::command`]'s programs.
struct Manager {
    run: TempDir,
    calls: Receiver<(Call, bool)>,
}

impl Manager {
    fn new(answers: Vec<Answer>) -> Self {
        let run = tempfile::tempdir().unwrap();
        fs::create_dir_all(run.path().join("systemd/system")).unwrap();
        let listener = UnixListener::bind(run.path().join("systemd/private")).unwrap();
        let (sender, calls) = channel();
        std::thread::spawn(move || serve(&listener, answers, &sender));
        Self { run, calls }
    }

    fn execute(&self, bundle: &Bundle, words: &[&str]) -> Output {
        bundle.write();
        let script = "mount --make-rprivate / && mount --bind \"$0\" /run && exec \"$@\"";
        Command::new("unshare")
            .args(["-m", "sh", "-c", script])
            .arg(self.run.path())
            .arg(env!("CARGO_BIN_EXE_corten-runtime"))
            .arg("--root")
            .arg(bundle.directory.path().join("state"))
            .args(words)
            .output()
            .unwrap()
    }
}

fn serve(listener: &UnixListener, answers: Vec<Answer>, calls: &Sender<(Call, bool)>) {
    let mut answers = answers.into_iter();
    for connection in listener.incoming() {
        let mut connection = connection.unwrap();
        let mut greeting = Vec::new();
        while !greeting.ends_with(b"BEGIN\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte).unwrap();
            greeting.extend(byte);
        }
        assert!(greeting.starts_with(b"\0AUTH EXTERNAL 30\r\n"), "{greeting:?}");
        connection
            .write_all(b"OK 0123456789abcdef0123456789abcdef\r\n")
            .unwrap();
        while let Some(message) = receive(&mut connection) {
            let call = Call { message };
            let lives = call.has("PIDs\0") && Path::new(&format!("/proc/{}", call.pid())).exists();
            answer(&mut connection, &call, answers.next().unwrap_or(Answer::Done));
            calls.send((call, lives)).unwrap();
        }
    }
}

fn receive(connection: &mut UnixStream) -> Option<Vec<u8>> {
    let mut message = vec![0; 16];
    connection.read_exact(&mut message).ok()?;
    let number = |at: usize| u32::from_le_bytes(message[at..at + 4].try_into().unwrap()) as usize;
    let rest = number(12).next_multiple_of(8) + number(4);
    message.resize(16 + rest, 0);
    connection.read_exact(&mut message[16..]).unwrap();
    Some(message)
}

fn answer(connection: &mut UnixStream, call: &Call, answer: Answer) {
    let serial = &call.message[8..12];
    let mut out = Vec::new();
    match answer {
        Answer::Done => out.extend(message(2, &[field(5, "u", serial)], &[])),
        Answer::Error(name) => {
            let fields = [
                field(5, "u", serial),
                field(4, "s", &text(name)),
                field(8, "g", b"\x01s\0"),
            ];
            out.extend(message(3, &fields, &text("because")));
        }
        Answer::Job(_) | Answer::EarlyJob => {
            let reply = message(2, &[field(5, "u", serial), field(8, "g", b"\x01o\0")], &text("/job/7"));
            let result = if let Answer::Job(result) = answer {
                result
            } else {
                "done"
            };
            let mut body = 7u32.to_le_bytes().to_vec();
            for one in ["/job/7", "some.scope", result] {
                body.resize(body.len().next_multiple_of(4), 0);
                body.extend(text(one));
            }
            let fields = [field(3, "s", &text("JobRemoved")), field(8, "g", b"\x04uoss\0")];
            let signal = message(4, &fields, &body);
            let noise = message(
                4,
                &[field(3, "s", &text("UnitNew")), field(8, "g", b"\x02so\0")],
                &text("x"),
            );
            let parts = match answer {
                Answer::EarlyJob => [noise, signal, reply],
                _ => [reply, noise, signal],
            };
            out.extend(parts.concat());
        }
    }
    connection.write_all(&out).unwrap();
}

fn text(value: &str) -> Vec<u8> {
    let mut bytes = (value.len() as u32).to_le_bytes().to_vec();
    bytes.extend(value.as_bytes());
    bytes.push(0);
    bytes
}

fn field(code: u8, kind: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![code, 1, kind.as_bytes()[0], 0];
    bytes.extend(value);
    bytes
}

fn message(kind: u8, fields: &[Vec<u8>], body: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    for field in fields {
        packed.resize(packed.len().next_multiple_of(8), 0);
        packed.extend(field);
    }
    let mut bytes = vec![b'l', kind, 0, 1];
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(3u32.to_le_bytes());
    bytes.extend((packed.len() as u32).to_le_bytes());
    bytes.extend(packed);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(body);
    bytes
}

/// A bundle below a slice of its own; its groups are removed at the end.
fn in_a_slice() -> Option<(Bundle, Groups)> {
    let mut bundle = bundle()?;
    let slice = format!("cortentest{}.slice", bundle.id.replace('-', ""));
    bundle.config["linux"]["cgroupsPath"] = json!(format!("{slice}:box:{}", bundle.id));
    bundle.config["linux"]["resources"]["pids"] = json!({ "limit": 77 });
    Some((bundle, Groups { slice }))
}

struct Groups {
    slice: String,
}

impl Groups {
    /// Every directory of the slice, in all hierarchies.
    fn all(&self) -> Vec<std::path::PathBuf> {
        let root = Path::new("/sys/fs/cgroup");
        let below = fs::read_dir(root)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        let slices = below.chain([root.to_path_buf()]).map(|path| path.join(&self.slice));
        slices.filter(|path| path.exists()).collect()
    }

    fn scopes(&self) -> usize {
        let below = |slice: &std::path::PathBuf| {
            let entries = fs::read_dir(slice).unwrap().flatten();
            entries.filter(|entry| entry.path().is_dir()).count()
        };
        self.all().iter().map(below).sum()
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for slice in self.all() {
            drop(fs::remove_dir(slice));
        }
    }
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_scope_is_started_with_its_limits_and_stopped() {
    let Some((mut bundle, groups)) = in_a_slice() else {
        return;
    };
    for first in [Answer::Job("done"), Answer::EarlyJob] {
        let manager = Manager::new(vec![first, Answer::Job("done")]);
        bundle.shell("exit 3");
        let ran = manager.execute(
            &bundle,
            &[
                "--systemd-cgroup",
                "run",
                "--bundle",
                bundle.directory.path().to_str().unwrap(),
                &bundle.id,
            ],
        );
        assert_eq!(ran.status.code(), Some(3), "{}", error(&ran));
        let (start, lived) = manager.calls.recv().unwrap();
        let unit = format!("box-{}.scope", bundle.id);
        for wanted in [
            "StartTransientUnit",
            &unit,
            &groups.slice,
            "Delegate",
            "DefaultDependencies",
            "TasksMax",
            "CollectMode",
        ] {
            assert!(start.has(wanted), "{wanted}");
        }
        assert!(lived, "a process is in the scope");
        assert!(
            !Path::new(&format!("/proc/{}", start.pid())).exists(),
            "it is gone when it is not needed"
        );
        let (stop, _) = manager.calls.recv().unwrap();
        assert!(stop.has("StopUnit") && stop.has(&unit));
        let (reset, _) = manager.calls.recv().unwrap();
        assert!(reset.has("ResetFailedUnit") && reset.has(&unit));
        assert_eq!(groups.scopes(), 0);
    }
}

#[test]
fn what_an_earlier_run_left_is_cleared_first() {
    let Some((mut bundle, groups)) = in_a_slice() else {
        return;
    };
    let exists = Answer::Error("org.freedesktop.systemd1.UnitExists");
    let gone = Answer::Error("org.freedesktop.systemd1.NoSuchUnit");
    let manager = Manager::new(vec![
        exists,
        Answer::Job("done"),
        Answer::Done,
        Answer::Job("done"),
        gone,
    ]);
    bundle.shell("true");
    let ran = manager.execute(
        &bundle,
        &[
            "--systemd-cgroup",
            "run",
            "--bundle",
            bundle.directory.path().to_str().unwrap(),
            &bundle.id,
        ],
    );
    assert!(ran.status.success(), "{}", error(&ran));
    let calls: Vec<Call> = manager.calls.try_iter().map(|(call, _)| call).collect();
    for (call, wanted) in calls.iter().zip([
        "StartTransientUnit",
        "StopUnit",
        "ResetFailedUnit",
        "StartTransientUnit",
        "StopUnit",
    ]) {
        assert!(call.has(wanted), "{wanted}");
    }
    assert_eq!((calls.len(), groups.scopes()), (5, 0));
}

#[test]
fn a_refusal_is_told_and_nothing_is_left() {
    let Some((bundle, groups)) = in_a_slice() else { return };
    for (answer, wanted) in [
        (
            Answer::Error("org.freedesktop.DBus.Error.AccessDenied"),
            "systemd refuses: because",
        ),
        (Answer::Job("failed"), "job failed"),
    ] {
        let manager = Manager::new(vec![answer]);
        let ran = manager.execute(
            &bundle,
            &[
                "--systemd-cgroup",
                "run",
                "--bundle",
                bundle.directory.path().to_str().unwrap(),
                &bundle.id,
            ],
        );
        assert!(!ran.status.success() && error(&ran).contains(wanted), "{}", error(&ran));
        let (start, _) = manager.calls.recv().unwrap();
        assert!(!Path::new(&format!("/proc/{}", start.pid())).exists());
        assert_eq!(groups.scopes(), 0);
    }
}

#[test]
fn without_systemd_it_says_so() {
    let Some((bundle, groups)) = in_a_slice() else { return };
    let manager = Manager::new(Vec::new());
    fs::remove_dir(manager.run.path().join("systemd/system")).unwrap();
    let ran = manager.execute(
        &bundle,
        &[
            "--systemd-cgroup",
            "run",
            "--bundle",
            bundle.directory.path().to_str().unwrap(),
            &bundle.id,
        ],
    );
    assert!(
        error(&ran).contains("systemd not running on this host"),
        "{}",
        error(&ran)
    );
    assert_eq!(groups.scopes(), 0);
}
