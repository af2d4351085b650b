//! A bundle with busybox in a temporary directory, driven through `corten-runtime`. Everything is removed when it
//! is dropped: containers, control groups, state, files.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]
#![expect(unreachable_pub, reason = "compiled into each test program by itself")]
#![allow(
    dead_code,
    reason = "each test program uses its own part, so there is nothing to expect in all of them"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

const BUSYBOX: &str = "/bin/busybox";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// One container's bundle.
pub struct Bundle {
    pub directory: TempDir,
    pub config: Value,
    /// Its id, and the name of its control groups.
    pub id: String,
}

/// `None`, and says why, where containers cannot be made.
pub fn bundle() -> Option<Bundle> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skip: needs root");
        return None;
    }
    if !Path::new(BUSYBOX).exists() {
        eprintln!("skip: needs a static {BUSYBOX}");
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("rootfs");
    for name in ["bin", "etc", "tmp", "proc", "sys", "dev", "data"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    fs::copy(BUSYBOX, root.join("bin/busybox")).unwrap();
    let applets = [
        "sh", "ls", "cat", "id", "mount", "tty", "ps", "true", "sleep", "echo", "hostname", "env", "stat", "mkdir",
        "touch", "mknod", "grep", "kill", "chmod", "pwd", "dd", "readlink", "head", "tail", "wc", "umount", "unshare",
    ];
    for applet in applets {
        symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    fs::write(
        root.join("etc/passwd"),
        "root:x:0:0::/root:/bin/sh\nweb:x:33:34::/var/www:/bin/sh\n",
    )
    .unwrap();
    fs::write(root.join("etc/group"), "root:x:0:\nwebs:x:34:\nlogs:x:40:web\n").unwrap();
    let id = format!(
        "corten-runtime-test-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let config = config(&id);
    Some(Bundle { directory, config, id })
}

/// Docker's usual specification, without a network.
pub fn config(id: &str) -> Value {
    let capabilities = json!([
        "CAP_CHOWN",
        "CAP_KILL",
        "CAP_MKNOD",
        "CAP_SETUID",
        "CAP_SETGID",
        "CAP_DAC_OVERRIDE",
        "CAP_SYSLOG"
    ]);
    json!({
        "ociVersion": "1.2.0",
        "process": {
            "user": { "uid": 0, "gid": 0 },
            "args": ["true"],
            "env": ["PATH=/bin", "TERM=xterm"],
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities
            },
        },
        "root": { "path": "rootfs" },
        "hostname": "box",
        "mounts": [
            { "destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"] },
            { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] },
            { "destination": "/dev/pts", "type": "devpts", "source": "devpts",
              "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
            { "destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"] },
            { "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro", "nosuid", "noexec", "nodev"] },
            { "destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777"] },
        ],
        "linux": {
            "cgroupsPath": format!("/{id}"),
            "resources": { "devices": [{ "allow": false, "access": "rwm" }] },
            "namespaces": [
                { "type": "mount" }, { "type": "network" }, { "type": "uts" }, { "type": "pid" }, { "type": "ipc" },
                { "type": "cgroup" },
            ],
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/acpi", "/proc/scsi"],
            "readonlyPaths": ["/proc/bus", "/proc/sys"],
        },
    })
}

impl Bundle {
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("rootfs")
    }

    pub fn shell(&mut self, script: &str) -> &mut Self {
        self.config["process"]["args"] = json!(["sh", "-c", script]);
        self
    }

    pub fn mount(&mut self, mount: Value) -> &mut Self {
        self.config["mounts"].as_array_mut().unwrap().push(mount);
        self
    }

    /// `corten-runtime` with these words after `--root`.
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_corten-runtime"));
        command
            .arg("--root")
            .arg(self.directory.path().join("state"))
            .args(words)
            .stdin(Stdio::null());
        command
    }

    pub fn write(&self) {
        fs::write(self.directory.path().join("config.json"), self.config.to_string()).unwrap();
    }

    fn bundle_words(&self, verb: &str) -> Vec<String> {
        self.write();
        [verb, "--bundle", self.directory.path().to_str().unwrap(), &self.id]
            .map(str::to_owned)
            .to_vec()
    }

    /// Runs it to its end.
    pub fn run(&self) -> Ran {
        Ran::from(self.command(self.bundle_words("run")).output().unwrap())
    }

    /// Creates it; its output goes nowhere, because pipes would stay open.
    pub fn create(&self) -> Ran {
        self.detached(self.bundle_words("create"))
    }

    /// A command whose container may keep the streams: errors are read from the log file.
    pub fn detached(&self, words: Vec<String>) -> Ran {
        let log = self.directory.path().join("log");
        fs::write(&log, "").unwrap();
        let mut all = vec!["--log".to_owned(), log.to_str().unwrap().to_owned()];
        all.extend(words);
        let status = self
            .command(all)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        Ran {
            code: status.code().unwrap(),
            stdout: String::new(),
            stderr: fs::read_to_string(log).unwrap(),
        }
    }

    /// A command about the container: verb, id, further words.
    pub fn tell(&self, verb: &str, words: &[&str]) -> Ran {
        let mut all: Vec<&str> = verb.split(' ').collect();
        all.push(&self.id);
        all.extend(words);
        Ran::from(self.command(all).output().unwrap())
    }

    pub fn state(&self) -> Value {
        let state = self.tell("state", &[]);
        serde_json::from_str(&state.stdout).unwrap_or(Value::Null)
    }

    /// Waits until the status is `wanted`, at most ten seconds.
    pub fn await_status(&self, wanted: &str) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while self.state()["status"] != wanted {
            assert!(
                std::time::Instant::now() < deadline,
                "{} instead of {wanted}",
                self.state()
            );
            std::thread::yield_now();
        }
    }

    /// Control group directories that exist for it.
    pub fn cgroups(&self) -> Vec<PathBuf> {
        let host = corten_runtime::host::Host::probe().unwrap();
        let all = host.hierarchies.iter().map(|hierarchy| hierarchy.mount.join(&self.id));
        all.filter(|path| path.exists()).collect()
    }

    /// Nothing of the container is left.
    pub fn assert_gone(&self) {
        assert_eq!(self.cgroups(), Vec::<PathBuf>::new());
        assert!(!self.directory.path().join("state").join(&self.id).exists());
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(self.directory.path().to_str().unwrap()), "{mounts}");
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        self.command(["delete", "--force", &self.id])
            .stderr(Stdio::null())
            .status()
            .unwrap();
    }
}

/// What a command said.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

impl Ran {
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "no {text:?} in {self:?}"
        );
        self
    }

    #[track_caller]
    pub fn lacks(&self, text: &str) -> &Self {
        assert!(
            !self.stdout.contains(text) && !self.stderr.contains(text),
            "{text:?} in {self:?}"
        );
        self
    }

    #[track_caller]
    pub fn ends(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}
