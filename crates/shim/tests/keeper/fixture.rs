//! A shim with a container in a temporary directory; everything is killed and removed when it is dropped.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use corten_base::{ContainerId, ExecId};
use corten_runtime::plan::{
    Device, DeviceKind, ExecPlan, Mount, MountSource, Namespace, Namespaces, Parameter, Plan, Process, Root, Rootfs,
};
use corten_shim::channel::Channel;
use corten_shim::protocol::*;
use corten_shim::spawn::{Spawned, spawn};
use rustix::process::{WaitId, WaitIdOptions};

/// How long anything may take, in milliseconds: far more than it does, on a machine that others use too.
pub(crate) const LIMIT_MS: u32 = 30_000;

/// A shim, and the daemon's end of it.
pub(crate) struct Kept {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) shim: Spawned,
    pub(crate) channel: Option<Channel>,
    create: Option<Create>,
}

/// Whether such tests can run here; says why not otherwise.
pub(crate) fn possible() -> bool {
    let reason = if !rustix::process::geteuid().is_root() {
        "not root"
    } else if !Path::new("/bin/busybox").exists() {
        "no busybox-static"
    } else {
        return true;
    };
    eprintln!("skip: {reason}");
    false
}

pub(crate) fn streams() -> Streams {
    Streams::default()
}

pub(crate) fn with_stdin() -> Streams {
    Streams {
        stdin: true,
        stdin_once: true,
        ..Streams::default()
    }
}

pub(crate) fn terminal() -> Streams {
    Streams {
        terminal: true,
        stdin: true,
        size: (24, 80),
        ..Streams::default()
    }
}

impl Kept {
    /// A shim that was asked for nothing yet; the container will run `script` in busybox's shell.
    pub(crate) fn new(script: &str, streams: Streams) -> Self {
        let directory = tempfile::Builder::new().prefix("corten-shim-test-").tempdir().unwrap();
        let path = directory.path();
        make_root(&path.join("root"));
        let run = path.join("run");
        std::fs::create_dir(&run).unwrap();
        let shim = spawn(Path::new(env!("CARGO_BIN_EXE_corten-shim")), &run).unwrap();
        let channel = Some(Channel::new(shim.control.try_clone().unwrap()));
        let create = Some(Create {
            version: VERSION,
            container: ContainerId::from_random([7; 32]),
            plan: plan(&path.join("root"), script, streams.terminal),
            network: NetworkNamespace::Private,
            streams,
            log: Log::JsonFile {
                path: path.join("log"),
                max_size_bytes: 0,
                max_files: 1,
                attributes: Default::default(),
            },
            exit_path: path.join("exit.json"),
        });
        let mut kept = Self {
            directory,
            shim,
            channel,
            create,
        };
        // The other copy of the control socket must not keep the connection open.
        kept.shim.control = std::fs::File::open("/dev/null").unwrap().into();
        kept
    }

    pub(crate) fn create(&mut self) -> u32 {
        self.create_with(|_| {})
    }

    pub(crate) fn create_with(&mut self, change: impl FnOnce(&mut Create)) -> u32 {
        match self.try_create(change) {
            Reply::Created { pid } => pid,
            other => panic!("{other:?}\n{}", self.shim_log()),
        }
    }

    pub(crate) fn try_create(&mut self, change: impl FnOnce(&mut Create)) -> Reply {
        let mut create = self.create.take().unwrap();
        change(&mut create);
        self.ask(Request::Create(Box::new(create)))
    }

    pub(crate) fn start(&mut self) {
        let reply = self.ask(Request::Start);
        assert!(matches!(reply, Reply::Started { .. }), "{reply:?}\n{}", self.shim_log());
    }

    /// Created and started.
    pub(crate) fn running(script: &str, streams: Streams) -> Self {
        let mut kept = Self::new(script, streams);
        kept.create();
        kept.start();
        kept
    }

    pub(crate) fn ask(&mut self, request: Request) -> Reply {
        self.ask_with(request, Vec::new())
    }

    pub(crate) fn ask_with(&mut self, request: Request, descriptors: Vec<OwnedFd>) -> Reply {
        self.channel
            .as_mut()
            .unwrap()
            .request(request, descriptors, LIMIT_MS)
            .unwrap()
    }

    /// The next event that is not about the namespace.
    pub(crate) fn event(&mut self) -> Event {
        loop {
            match self.channel.as_mut().unwrap().event(LIMIT_MS).unwrap() {
                Event::NamespaceReady { .. } => {}
                event => return event,
            }
        }
    }

    pub(crate) fn exited(&mut self) -> Exit {
        match self.event() {
            Event::Exited(exit) => exit,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn signal(&mut self, target: Target, signal: i32) {
        let reply = self.ask(Request::Signal { target, signal });
        assert!(matches!(reply, Reply::Done), "{reply:?}");
    }

    /// A client's end of a new attachment.
    pub(crate) fn attach(&mut self, attach: Attach) -> UnixStream {
        let (ours, theirs) = client();
        let reply = self.ask_with(Request::Attach(attach), vec![theirs]);
        assert!(matches!(reply, Reply::Done), "{reply:?}");
        ours
    }

    /// Starts an exec session with a client; returns its pid and the client's end.
    pub(crate) fn exec(&mut self, id: u8, script: &str, streams: Streams) -> (u32, UnixStream) {
        self.exec_with(id, script, streams, |_| {})
    }

    pub(crate) fn exec_with(
        &mut self,
        id: u8,
        script: &str,
        streams: Streams,
        change: impl FnOnce(&mut ExecPlan),
    ) -> (u32, UnixStream) {
        let (ours, theirs) = client();
        let exec = ExecId::from_random([id; 32]);
        let attach = Attach {
            multiplexed: !streams.terminal,
            ..attach(Target::Exec(exec.clone()))
        };
        let mut plan = ExecPlan {
            process: shell(script, streams.terminal),
            namespaces: namespaces(),
            ..ExecPlan::default()
        };
        change(&mut plan);
        let exit_path = self.path(&format!("exec-{id}.json"));
        let request = Request::Exec(Box::new(Exec {
            plan,
            exec,
            streams,
            attach: Some(attach),
            exit_path,
        }));
        match self.ask_with(request, vec![theirs]) {
            Reply::Created { pid } => (pid, ours),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn log(&self) -> Vec<serde_json::Value> {
        self.read("log")
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn shim_log(&self) -> String {
        self.read("run/shim.log")
    }

    /// Waits for the shim's own end.
    pub(crate) fn ended(&mut self) {
        wait_for("the shim's end", || has_ended(&self.shim.pidfd));
        assert_eq!(self.shim_log(), "");
        assert!(!self.path("run/shim.sock").exists());
    }

    pub(crate) fn released(&mut self) {
        let reply = self.ask(Request::Release);
        assert!(matches!(reply, Reply::Done), "{reply:?}");
        self.ended();
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // It may have ended, and been reaped, before.
        corten_sys::signal::send(self.shim.pidfd.as_fd(), 9).ok();
        rustix::process::waitid(WaitId::PidFd(self.shim.pidfd.as_fd()), WaitIdOptions::EXITED).ok();
    }
}

/// Waits until something is true.
pub(crate) fn wait_for(what: &str, mut is_true: impl FnMut() -> bool) {
    let limit = std::time::Instant::now() + Duration::from_millis(LIMIT_MS.into());
    while !is_true() {
        assert!(std::time::Instant::now() < limit, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn has_ended(process: &OwnedFd) -> bool {
    let mut polled = [rustix::event::PollFd::new(process, rustix::event::PollFlags::IN)];
    rustix::event::poll(&mut polled, Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() > 0
}

pub(crate) fn attach(target: Target) -> Attach {
    Attach {
        target,
        stdin: true,
        stdout: true,
        stderr: true,
        multiplexed: true,
        detach_keys: Vec::new(),
        early_input: Vec::new(),
    }
}

/// All that comes until the end, frames taken apart: standard output and standard error.
pub(crate) fn demultiplex(mut client: &UnixStream) -> (String, String) {
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).unwrap();
    let (mut out, mut err, mut rest) = (Vec::new(), Vec::new(), &bytes[..]);
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        match head[..4] {
            [1, 0, 0, 0] => out.extend_from_slice(&after[..length]),
            [2, 0, 0, 0] => err.extend_from_slice(&after[..length]),
            _ => panic!("{head:?}"),
        }
        rest = &after[length..];
    }
    assert!(rest.is_empty());
    (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn client() -> (UnixStream, OwnedFd) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(Duration::from_millis(LIMIT_MS.into())))
        .unwrap();
    (ours, theirs.into())
}

fn make_root(root: &Path) {
    for directory in ["bin", "proc", "dev", "tmp", "etc"] {
        std::fs::create_dir_all(root.join(directory)).unwrap();
    }
    std::fs::copy("/bin/busybox", root.join("bin/busybox")).unwrap();
    for applet in [
        "sh", "cat", "sleep", "stty", "grep", "head", "yes", "nc", "true", "ls", "tty",
    ] {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
}

fn plan(root: &Path, script: &str, terminal: bool) -> Plan {
    Plan {
        root: Root {
            source: Rootfs::Directory(root.to_owned()),
            ..Root::default()
        },
        namespaces: namespaces(),
        mounts: vec![
            filesystem("/proc", "proc", &[]),
            filesystem("/dev", "tmpfs", &[("mode", "755")]),
            filesystem(
                "/dev/pts",
                "devpts",
                &[("newinstance", ""), ("ptmxmode", "0666"), ("mode", "0620")],
            ),
        ],
        devices: vec![device("/dev/null", 3), device("/dev/zero", 5)],
        process: shell(script, terminal),
        ..Plan::default()
    }
}

pub(crate) fn namespaces() -> Namespaces {
    Namespaces {
        mount: Namespace::New,
        pid: Namespace::New,
        ipc: Namespace::New,
        uts: Namespace::New,
        ..Namespaces::default()
    }
}

fn shell(script: &str, terminal: bool) -> Process {
    Process {
        args: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        env: vec!["PATH=/bin".to_owned()],
        cwd: "/".to_owned(),
        terminal,
        ..Process::default()
    }
}

fn filesystem(destination: &str, kind: &str, parameters: &[(&str, &str)]) -> Mount {
    let parameter = |(key, value): &(&str, &str)| Parameter {
        key: (*key).to_owned(),
        value: (!value.is_empty()).then(|| (*value).to_owned()),
    };
    Mount {
        destination: destination.into(),
        source: MountSource::Filesystem {
            kind: kind.to_owned(),
            source: kind.to_owned(),
            parameters: parameters.iter().map(parameter).collect(),
        },
        attributes: Default::default(),
        propagation: Vec::new(),
        readonly_late: false,
        identities: None,
    }
}

fn device(path: &str, minor: u32) -> Device {
    Device {
        path: path.into(),
        kind: DeviceKind::Character,
        major: 1,
        minor,
        mode: 0o666,
        uid: 0,
        gid: 0,
        host_path: None,
    }
}
