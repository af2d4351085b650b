//! From nothing to a running program; and back, if a step fails.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::Instant;

use corten_base::Timestamp;
use corten_runtime::cgroup;
use corten_runtime::create::Options;
use corten_runtime::plan::{Namespace, Plan};
use rustix::process::{WaitId, WaitIdOptions};

use super::poll::Number;
use super::process::{self, Ends, Made, Process};
use super::request::{from_runtime, internal, invalid};
use super::{Container, FIRST_PROCESS, Keeper, LAST_BYTES_LIMIT, Stage};
use crate::log::{self, Recorder};
use crate::protocol::{Create, Event, Failure, Log, NetworkNamespace, Reply, Streams, Target, VERSION};

/// Where a shim stands with the kernel when memory is short: last to be killed, like the daemon.
const OOM_SCORE_ADJ: &str = "-998";

impl Keeper {
    pub(super) fn enter_early(&mut self, network: &NetworkNamespace) -> Result<Reply, Failure> {
        if !matches!(self.stage, Stage::Empty) {
            return Err(invalid(
                "the network namespace is entered before the container is created".to_owned(),
            ));
        }
        // A failure is found, and everything undone, again at `Create`.
        self.enter_network(network).map(|()| Reply::Done)
    }

    pub(super) fn create(&mut self, create: Create) -> Result<Reply, Failure> {
        if !matches!(self.stage, Stage::Empty) || self.container.is_some() {
            return Err(invalid("the container was created before".to_owned()));
        }
        let result = self.try_create(create);
        if result.is_err() {
            self.undo();
        }
        result
    }

    fn try_create(&mut self, create: Create) -> Result<Reply, Failure> {
        if create.version > VERSION {
            return Err(invalid(format!(
                "the daemon speaks version {}, this shim {VERSION}",
                create.version
            )));
        }
        self.enter_network(&create.network)?;
        self.take_descriptors()?;
        protect_from_oom();
        self.recorder = open_log(&create.log)?;
        let (stdio, ends) = process::open_streams(&create.streams)
            .map_err(|error| internal(format!("cannot make streams: {error}")))?;
        let mut plan = create.plan;
        // Else the container would inherit the shim's.
        plan.process.oom_score_adj.get_or_insert(0);
        let options = Options {
            follow_network: create.network == NetworkNamespace::OfContainer,
            ..Options::default()
        };
        let init = corten_runtime::create::create_with(&plan, stdio, options).map_err(from_runtime)?;
        let pid = init.pid;
        if create.network == NetworkNamespace::OfContainer {
            self.announce(&Event::NamespaceReady {
                pid: std::process::id(),
            });
        }
        self.container = Some(Container {
            loopback_down: create.network == NetworkNamespace::Private,
            ..container(&plan, create.container, pid, create.exit_path)
        });
        self.stage = Stage::Created {
            plan: Box::new(plan),
            init,
        };
        self.join_first(ends, create.streams)
            .map_err(|error| internal(format!("cannot join the streams: {error}")))?;
        Ok(Reply::Created { pid })
    }

    /// Thousands of ports are thousands of sockets. Not before the daemon has spoken, which sets the limit of its child.
    fn take_descriptors(&mut self) -> Result<(), Failure> {
        corten_sys::descriptors::raise()
            .map_err(|error| internal(format!("cannot raise the limit of descriptors: {error}")))?;
        self.descriptors_given = corten_sys::descriptors::given();
        Ok(())
    }

    fn join_first(&mut self, ends: Ends, streams: Streams) -> io::Result<()> {
        let Stage::Created { init, .. } = &mut self.stage else {
            return Ok(());
        };
        let made = Made {
            target: Target::Container,
            pid: init.pid,
            pidfd: init.pidfd.try_clone()?,
            console: init.console.take(),
        };
        let mut process = Process::new(made, ends, streams)?;
        process.watch_outputs(&self.poll, FIRST_PROCESS);
        self.processes.insert(FIRST_PROCESS, process);
        Ok(())
    }

    fn enter_network(&mut self, network: &NetworkNamespace) -> Result<(), Failure> {
        match &self.network {
            Some(entered) if entered == network => return Ok(()),
            Some(_) => return Err(invalid("another network namespace was entered before".to_owned())),
            None => {}
        }
        enter(network).map_err(|error| internal(format!("cannot enter the network namespace: {error}")))?;
        self.network = Some(network.clone());
        if *network == NetworkNamespace::Private {
            let pid = std::process::id();
            self.announce(&Event::NamespaceReady { pid });
        }
        Ok(())
    }

    pub(super) fn start(&mut self) -> Result<Reply, Failure> {
        if !matches!(self.stage, Stage::Created { .. }) {
            return Err(invalid("there is no created container to start".to_owned()));
        }
        if let Err(failure) = self.let_go() {
            self.undo();
            return Err(failure);
        }
        let at = Timestamp::now();
        self.stage = Stage::Running;
        self.watch_memory();
        if let Some(container) = &mut self.container {
            container.started_at = Some(at);
        }
        Ok(Reply::Started { at })
    }

    fn let_go(&mut self) -> Result<(), Failure> {
        // A container without links still has its loopback.
        self.configure_interfaces(&[])?;
        let Stage::Created { plan, init } = &mut self.stage else {
            return Ok(());
        };
        init.start(plan).map_err(from_runtime)
    }

    /// Removes a container that was not started, with all that was made for it, and ends.
    pub(super) fn undo(&mut self) {
        let over = Stage::Over {
            deadline: Instant::now() + LAST_BYTES_LIMIT,
        };
        if let Stage::Created { init, .. } = std::mem::replace(&mut self.stage, over) {
            kill_and_reap(&init.pidfd);
        }
        let clients: Vec<Number> = self.clients.keys().copied().collect();
        clients.into_iter().for_each(|number| self.finish_client(number));
        if let Some(mut process) = self.processes.remove(&FIRST_PROCESS) {
            process.close_output(&self.poll, FIRST_PROCESS, log::Stream::Stdout);
            process.close_output(&self.poll, FIRST_PROCESS, log::Stream::Stderr);
            process.close_input(&self.poll, FIRST_PROCESS);
        }
        self.recorder = None;
        self.close_ports();
        self.close_names();
        self.remove_cgroups();
        self.stop_listening();
    }

    pub(super) fn remove_cgroups(&mut self) {
        self.leave_memory();
        if let Some(container) = &self.container
            && let Err(error) = cgroup::remove(&container.cgroup)
        {
            note!("{error}: {}", error.source);
        }
    }
}

fn enter(network: &NetworkNamespace) -> io::Result<()> {
    match network {
        // The shim follows it when it is made.
        NetworkNamespace::Host | NetworkNamespace::OfContainer => Ok(()),
        NetworkNamespace::File(path) => corten_sys::netns::enter(&std::fs::File::open(path)?),
        NetworkNamespace::Process(pid) => {
            let namespace = std::fs::File::open(format!("/proc/{pid}/ns/net"))?;
            corten_sys::netns::enter(&namespace)
        }
        NetworkNamespace::Private => corten_sys::netns::enter_new(),
    }
}

/// A process that cannot be killed has ended and was reaped before.
fn kill_and_reap(process: &OwnedFd) {
    if corten_sys::signal::send(process.as_fd(), 9).is_ok()
        && let Err(error) = rustix::process::waitid(WaitId::PidFd(process.as_fd()), WaitIdOptions::EXITED)
    {
        note!("cannot reap the first process: {error}");
    }
}

fn container(plan: &Plan, id: corten_base::ContainerId, pid: u32, exit_path: PathBuf) -> Container {
    let mut cgroup = plan.cgroup.clone();
    // Only needed to make it.
    cgroup.device_program = Vec::new();
    cgroup
        .directories
        .iter_mut()
        .for_each(|directory| directory.writes = Vec::new());
    Container {
        id,
        cgroup,
        private_pids: plan.namespaces.pid == Namespace::New,
        poststop: (!plan.hooks.poststop.is_empty()).then(|| Box::new(plan.clone())),
        pid,
        started_at: None,
        exit: None,
        out_of_memory: false,
        loopback_down: false,
        exit_path,
    }
}

fn open_log(log: &Log) -> Result<Option<Recorder>, Failure> {
    let target = match log {
        Log::None => return Ok(None),
        Log::JsonFile {
            path,
            max_size_bytes,
            max_files,
            attributes,
        } => log::Target {
            path: path.clone(),
            max_size_bytes: *max_size_bytes,
            max_files: *max_files,
            attributes: attributes.clone(),
            format: log::Format::JsonLines,
        },
        Log::Local {
            path,
            max_size_bytes,
            max_files,
        } => log::Target {
            path: path.clone(),
            max_size_bytes: *max_size_bytes,
            max_files: *max_files,
            attributes: std::collections::BTreeMap::new(),
            format: log::Format::Local,
        },
    };
    let recorder = Recorder::open(&target);
    recorder
        .map(Some)
        .map_err(|error| internal(format!("cannot open the log {}: {error}", target.path.display())))
}

/// Best effort: a daemon that may not lower its score keeps the one it has.
fn protect_from_oom() {
    std::fs::write("/proc/self/oom_score_adj", OOM_SCORE_ADJ).unwrap_or_default();
}
