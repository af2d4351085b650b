//! How long a whole container takes in this process, beside the kernel's floor.
//!
//! `floor [ROUNDS] [PROGRAM]` prints minimum and median in milliseconds of
//!
//! - `floor`: clone3 with all namespaces, overlay by the new mount interface, pivot_root, exec, wait;
//! - `create`, `start`, `wait`, `remove` and their sum for a plan like Docker's default.
//!
//! `PROGRAM` is a static executable, `/bin/busybox` by default; it is run as `true`. Needs root.

use std::ffi::CString;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use corten_runtime::cgroup;
use corten_runtime::compile::{self, Seccomp};
use corten_runtime::create::{Stdio, create};
use corten_runtime::host::Host;
use corten_runtime::plan::{Plan, Rootfs};
use corten_sys::clone::{self, CloneOptions, Cloned};
use corten_sys::execute::{Strings, execve};
use rustix::fs::CWD;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, UnmountFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, mount_change, move_mount, unmount,
};
use rustix::process::{WaitId, WaitIdOptions, waitid};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let rounds: usize = arguments
        .next()
        .map_or(Ok(100), |text| text.parse())
        .context("ROUNDS")?;
    let program = PathBuf::from(arguments.next().unwrap_or("/bin/busybox".into()));
    let scratch = tempfile::tempdir()?;
    let layers = Layers::make(scratch.path(), &program)?;
    let plan = layers.plan()?;
    let mut floor = Vec::new();
    let mut steps: [Vec<f64>; 5] = Default::default();
    for _ in 0..rounds {
        floor.push(timed(|| layers.floor())?);
        layers.empty_work()?;
        for (samples, sample) in steps.iter_mut().zip(whole(&plan)?) {
            samples.push(sample);
        }
        layers.empty_work()?;
    }
    report("floor", &mut floor);
    for (name, samples) in ["create", "start", "wait", "remove", "sum"].iter().zip(&mut steps) {
        report(name, samples);
    }
    fs::remove_dir("/sys/fs/cgroup/corten-floor").unwrap_or_default();
    for hierarchy in Host::probe()?.hierarchies {
        fs::remove_dir(hierarchy.mount.join("corten-floor")).unwrap_or_default();
    }
    Ok(())
}

fn report(name: &str, samples: &mut [f64]) {
    samples.sort_by(f64::total_cmp);
    println!(
        "{name:8} min {:.2} median {:.2}",
        samples[0],
        samples[samples.len() / 2]
    );
}

fn timed(act: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    act()?;
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}

/// Times of create, start, wait, remove, and all together.
fn whole(plan: &Plan) -> Result<[f64; 5]> {
    let null = || -> Result<OwnedFd> { Ok(fs::OpenOptions::new().read(true).write(true).open("/dev/null")?.into()) };
    let stdio = Stdio::Files {
        stdin: null()?,
        stdout: null()?,
        stderr: null()?,
    };
    let mut times = [0.0; 5];
    let mut init = None;
    times[0] = timed(|| {
        init = Some(create(plan, stdio)?);
        Ok(())
    })?;
    let mut init = init.context("it was just made")?;
    times[1] = timed(|| Ok(init.start(plan)?))?;
    times[2] = timed(|| {
        waitid(WaitId::PidFd(init.pidfd.as_fd()), WaitIdOptions::EXITED)?;
        Ok(())
    })?;
    times[3] = timed(|| Ok(cgroup::remove(&plan.cgroup)?))?;
    times[4] = times[..4].iter().sum();
    Ok(times)
}

struct Layers {
    lower: PathBuf,
    upper: PathBuf,
    work: PathBuf,
}

impl Layers {
    fn make(scratch: &Path, program: &Path) -> Result<Self> {
        let layers = Self {
            lower: scratch.join("l"),
            upper: scratch.join("u"),
            work: scratch.join("w"),
        };
        for directory in ["bin", "proc", "dev", "sys", "etc", "old"] {
            fs::create_dir_all(layers.lower.join(directory))?;
        }
        fs::create_dir(&layers.upper)?;
        fs::create_dir(&layers.work)?;
        fs::copy(program, layers.lower.join("bin/true")).context("copy the program")?;
        Ok(layers)
    }

    fn empty_work(&self) -> Result<()> {
        fs::remove_dir_all(&self.upper)?;
        fs::remove_dir_all(&self.work)?;
        fs::create_dir(&self.upper)?;
        Ok(fs::create_dir(&self.work)?)
    }

    fn plan(&self) -> Result<Plan> {
        let spec = serde_json::from_str(include_str!("floor.json"))?;
        let host = Host::probe()?;
        let options = compile::Options {
            id: "floor".into(),
            seccomp: Seccomp::DockerDefault,
            ..Default::default()
        };
        let root = Rootfs::Overlay {
            lower: vec![self.lower.clone()],
            upper: self.upper.clone(),
            work: self.work.clone(),
            options: Vec::new(),
        };
        Ok(compile::compile(&spec, root, &host, &options)?)
    }

    /// What the kernel alone takes.
    fn floor(&self) -> Result<()> {
        let namespaces = clone::NEW_MOUNT
            | clone::NEW_PID
            | clone::NEW_NETWORK
            | clone::NEW_IPC
            | clone::NEW_UTS
            | clone::NEW_CGROUP;
        match clone::clone3(CloneOptions {
            namespaces,
            cgroup: None,
            sibling: false,
        })? {
            Cloned::Child => {
                let failed = self.child();
                eprintln!("{failed:?}");
                corten_sys::execute::exit_now(1)
            }
            Cloned::Parent { pidfd, .. } => {
                waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED)?;
                Ok(())
            }
        }
    }

    fn child(&self) -> Result<()> {
        mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?;
        let overlay = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_set_string(&overlay, "lowerdir", &self.lower)?;
        fsconfig_set_string(&overlay, "upperdir", &self.upper)?;
        fsconfig_set_string(&overlay, "workdir", &self.work)?;
        fsconfig_create(&overlay)?;
        let root = fsmount(&overlay, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
        move_mount(&root, "", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
        rustix::process::fchdir(&root)?;
        rustix::process::pivot_root(".", ".")?;
        unmount(".", UnmountFlags::DETACH)?;
        rustix::process::chdir("/")?;
        let path = CString::new("/bin/true")?;
        Err(execve(
            &path,
            &Strings::new(["true"])?,
            &Strings::new(std::iter::empty::<&str>())?,
        )
        .into())
    }
}
