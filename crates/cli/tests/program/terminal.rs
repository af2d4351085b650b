//! `corten` on a terminal: raw mode and its end, the terminal's size, detach keys.

use std::fs::File;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::scripted::{Engine, Gate, LIMIT, Request, corten};

/// A terminal of 30 lines and 100 columns.
pub(crate) struct Terminal {
    ours: File,
    theirs: OwnedFd,
}

impl Terminal {
    pub(crate) fn open() -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("a grant");
        unlockpt(&ours).expect("an unlock");
        let path = ptsname(&ours, Vec::new()).expect("a name");
        let theirs = rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other end");
        let size = Winsize {
            ws_row: 30,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&ours, size).expect("a size");
        Self {
            ours: File::from(ours),
            theirs,
        }
    }

    pub(crate) fn spawn(&self, mut command: Command) -> Child {
        let end = || Stdio::from(self.theirs.try_clone().expect("a descriptor"));
        command
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("the program starts")
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&self.theirs)
            .expect("settings")
            .local_modes
            .contains(LocalModes::ICANON)
    }

    pub(crate) fn type_keys(&mut self, keys: &[u8]) {
        self.ours.write_all(keys).expect("keys are taken");
    }

    /// Reads until `wanted` has been shown, which must not take longer than anything may.
    pub(crate) fn read_until(&mut self, wanted: &str) -> String {
        let mut shown = Vec::new();
        let mut byte = [0];
        while !String::from_utf8_lossy(&shown).ends_with(wanted) {
            let mut more = [PollFd::new(&self.ours, PollFlags::IN)];
            let limit = LIMIT.try_into().expect("a short time");
            let shows = || format!("{wanted:?} is shown behind {:?}", String::from_utf8_lossy(&shown));
            assert!(poll(&mut more, Some(&limit)).expect("a look") > 0, "{}", shows());
            self.ours
                .read_exact(&mut byte)
                .unwrap_or_else(|error| panic!("{}: {error}", shows()));
            shown.push(byte[0]);
        }
        String::from_utf8_lossy(&shown).into_owned()
    }
}

/// A container with a terminal that shows a prompt and what it reads, until `x` or the end of input.
fn shell(gates: &(Gate, Gate, Gate), request: &mut Request) {
    let (started, sized, ended) = gates;
    if request.is("POST /containers/create") {
        assert!(request.body.contains("\"ConsoleSize\":[30,100]"), "{}", request.body);
        request.answer("201 Created", "{\"Id\":\"abc\",\"Warnings\":[]}");
    } else if request.is("POST /containers/abc/attach") {
        request.upgrade();
        started.wait();
        // Else the end may come before the size.
        sized.wait();
        request.send(b"# ");
        let mut read = Vec::new();
        let mut byte = [0];
        while request.wire.read(&mut byte).is_ok_and(|length| length == 1) && byte[0] != b'x' {
            read.push(byte[0]);
            request.send(&byte);
        }
        assert!(!read.contains(&17), "detach keys are not input: {read:?}");
        ended.open();
        request.wire.shutdown(Shutdown::Both).ok();
    } else if request.is("POST /containers/abc/wait") {
        request.begin("application/json");
        ended.wait();
        request.chunk(b"{\"StatusCode\":5}\n");
        request.chunk(b"");
    } else if request.is("POST /containers/abc/resize") {
        request.answer("204 No Content", "");
        sized.open();
    } else {
        request.answer("204 No Content", "");
        started.open();
    }
}

fn run_in(terminal: &Terminal, engine: &Engine) -> Child {
    let mut command = corten(&["run", "-it", "busybox"]);
    command.env("CORTEN_HOST", engine.address());
    terminal.spawn(command)
}

#[test]
fn the_terminal_is_raw_while_attached_and_whole_afterwards() {
    let gates = (Gate::default(), Gate::default(), Gate::default());
    let engine = Engine::start(move |request| shell(&gates, request));
    let mut terminal = Terminal::open();
    let mut child = run_in(&terminal, &engine);
    terminal.read_until("# ");
    assert!(terminal.is_raw());
    // Ctrl-C is a key like any other; Ctrl-P alone is passed on with what follows.
    terminal.type_keys(b"\x03a\x10b");
    assert_eq!(terminal.read_until("b"), "\x03a\x10b");
    terminal.type_keys(b"x");
    assert_eq!(child.wait().expect("an end").code(), Some(5));
    assert!(!terminal.is_raw());
    assert!(
        engine
            .lines()
            .contains(&"POST /containers/abc/resize?h=30&w=100".to_owned()),
        "{:?}",
        engine.lines()
    );
}

#[test]
fn detach_keys_leave_the_container_running() {
    let gates = (Gate::default(), Gate::default(), Gate::default());
    let engine = Engine::start(move |request| shell(&gates, request));
    let mut terminal = Terminal::open();
    let mut child = run_in(&terminal, &engine);
    terminal.read_until("# ");
    terminal.type_keys(b"\x10\x11");
    assert_eq!(terminal.read_until("\n"), "read escape sequence\r\n");
    assert_eq!(child.wait().expect("an end").code(), Some(0));
    assert!(!terminal.is_raw());
}

#[test]
fn archives_are_not_poured_into_a_terminal() {
    let mut terminal = Terminal::open();
    let mut child = terminal.spawn(corten(&["save", "busybox"]));
    assert_eq!(
        terminal.read_until("\n"),
        "cowardly refusing to save to a terminal. Use the -o flag or redirect\r\n"
    );
    assert_eq!(child.wait().expect("an end").code(), Some(1));
}
