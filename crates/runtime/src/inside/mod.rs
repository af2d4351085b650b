//! What a new process does between its clone and its exec, in order, inside the container.
//!
//! It runs as a copy of the creator (shim or runtime) with the plan in its memory, in the
//! container's namespaces. Nothing of the host may stay reachable when the container's program
//! starts: all mounts are placed by descriptors resolved inside the new root, every descriptor but
//! the conversation is closed before the working directory and the program are looked up, and the
//! process is not dumpable, so that nobody in the container can open its memory or its executable.

mod capabilities;
mod descriptors;
mod device;
pub(crate) mod limits;
mod mount;
mod namespaces;
mod paths;
mod program;
mod root;
pub(crate) mod target;
mod terminal;
mod user;

pub(crate) use namespaces::{Opened, become_root, open_paths};

use std::convert::Infallible;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::AssertUnwindSafe;

use rustix::process::{DumpableBehavior, Signal};

use crate::cgroup::Groups;
use crate::create::wire::{self, Message};
use crate::create::{Gate, Options, Stdio};
use crate::exec::{Joins, Lifetime};
use crate::failure::{Context, CreateError};
use crate::hooks;
use crate::plan::{ExecPlan, Namespace, Plan};

/// What the first process has beside its plan.
pub(crate) struct First<'groups> {
    pub(crate) stdio: Stdio,
    pub(crate) options: Options,
    /// Namespaces to join; closed before anything of the container runs.
    pub(crate) joins: Opened,
    pub(crate) groups: &'groups Groups,
}

/// The first process of `plan`. Never returns: it executes the program or ends.
pub(crate) fn first_process(plan: &Plan, first: First<'_>, socket: OwnedFd) -> ! {
    let First {
        stdio,
        options,
        joins,
        groups,
    } = first;
    let mut talk = Talk {
        socket,
        gate: options.gate,
        gone: false,
        released: false,
    };
    let (detached, preserved) = (options.detached, options.preserved_descriptors);
    let settle = Settle {
        detached,
        preserved,
        joins,
        groups,
    };
    let outcome = guarded(|| become_first(plan, stdio, &mut talk, settle));
    finish(&talk, outcome)
}

/// A further process in the namespaces that the caller has opened. Never returns.
pub(crate) fn further_process(plan: &ExecPlan, stdio: Stdio, further: Further<'_>, socket: OwnedFd) -> ! {
    let mut talk = Talk {
        socket,
        gate: None,
        gone: false,
        released: false,
    };
    let outcome = guarded(|| become_further(plan, stdio, further, &mut talk));
    finish(&talk, outcome)
}

/// What a further process has beside its plan.
pub(crate) struct Further<'groups> {
    pub(crate) joins: Joins,
    pub(crate) lifetime: Lifetime,
    pub(crate) groups: &'groups Groups,
}

/// A panic must not unwind into the copy of the creator's frames.
fn guarded(act: impl FnOnce() -> Result<Infallible, CreateError>) -> CreateError {
    match std::panic::catch_unwind(AssertUnwindSafe(act)) {
        Ok(Err(error)) => error,
        Ok(Ok(never)) => match never {},
        Err(_) => CreateError::internal("the container's process panicked before its exec"),
    }
}

fn finish(talk: &Talk, error: CreateError) -> ! {
    talk.report(error);
    corten_sys::execute::exit_now(1)
}

struct Settle<'groups> {
    detached: bool,
    preserved: u32,
    joins: Opened,
    groups: &'groups Groups,
}

fn become_first(plan: &Plan, stdio: Stdio, talk: &mut Talk, settle: Settle<'_>) -> Result<Infallible, CreateError> {
    settle_down(settle.detached)?;
    settle.groups.enter()?;
    match plan.namespaces.user {
        Namespace::New => {
            talk.await_go()?;
            namespaces::become_root()?;
        }
        // Whoever cloned this process has joined it, and has become root there.
        Namespace::Path(_) | Namespace::Inherit => {}
    }
    namespaces::join(&settle.joins)?;
    drop(settle.joins);
    namespaces::set_names(plan)?;
    limits::set_before_root(&plan.process)?;
    let apparmor = limits::open_apparmor(&plan.process)?;
    let root = root::assemble(plan, talk)?;
    let streams = descriptors::Streams::of(stdio, root.descriptor.as_fd())?;
    if streams.terminal.is_some() {
        terminal::place_console(root.descriptor.as_fd(), &streams)?;
    }
    talk.await_go()?;
    namespaces::unshare_cgroup(&plan.namespaces)?;
    if !plan.hooks.prestart.is_empty() || !plan.hooks.create_runtime.is_empty() {
        talk.run_hooks()?;
    }
    hooks::create_container(plan)?;
    root.finish(plan)?;
    let console = streams.install(&plan.process)?;
    if !plan.namespaces.user.is_private() {
        limits::set_resources(&plan.process, 0)?;
    }
    limits::set(&plan.process, apparmor)?;
    let program = program::prepare(&plan.process, talk.kept(console.as_ref()), settle.preserved)?;
    talk.ready(console)?;
    talk.await_start()?;
    hooks::start_container(plan)?;
    program.execute(&plan.process, settle.detached)
}

fn become_further(plan: &ExecPlan, stdio: Stdio, further: Further, talk: &mut Talk) -> Result<Infallible, CreateError> {
    let detached = further.lifetime == Lifetime::Own;
    settle_down(detached)?;
    further.groups.enter()?;
    talk.await_go()?;
    limits::set_before_root(&plan.process)?;
    let apparmor = limits::open_apparmor(&plan.process)?;
    further.joins.enter()?;
    let root = rustix::fs::open(
        "/",
        rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )
    .internal(|| "open the container's root")?;
    let streams = descriptors::Streams::of(stdio, root.as_fd())?;
    if plan.process.make_cwd {
        target::working_directory(root.as_fd(), plan.process.cwd.as_ref())?;
    }
    drop(root);
    let console = streams.install(&plan.process)?;
    if !plan.namespaces.user.is_private() {
        limits::set_resources(&plan.process, 0)?;
    }
    limits::set(&plan.process, apparmor)?;
    let program = program::prepare(&plan.process, talk.kept(console.as_ref()), 0)?;
    talk.ready(console)?;
    program.execute(&plan.process, detached)
}

fn settle_down(detached: bool) -> Result<(), CreateError> {
    corten_sys::execute::reset_signals();
    if !detached {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).internal(|| "set death signal")?;
    }
    rustix::process::setsid().internal(|| "make a session")?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).internal(|| "become undumpable")?;
    rustix::process::umask(rustix::fs::Mode::empty());
    Ok(())
}

/// The child's end of the conversation with its creator.
pub(crate) struct Talk {
    socket: OwnedFd,
    gate: Option<Gate>,
    gone: bool,
    released: bool,
}

impl Talk {
    /// Waits until the creator has mapped identities; at once the second time.
    pub(crate) fn await_go(&mut self) -> Result<(), CreateError> {
        if !self.gone {
            self.expect_go()?;
            self.gone = true;
        }
        Ok(())
    }

    fn run_hooks(&mut self) -> Result<(), CreateError> {
        wire::send(&self.socket, &Message::Hooks).internal(|| "ask for hooks")?;
        self.expect_go()
    }

    fn expect_go(&self) -> Result<(), CreateError> {
        match wire::receive(&self.socket).internal(|| "wait for the creator")? {
            Message::Go => Ok(()),
            _ => Err(CreateError::internal("the creator has gone")),
        }
    }

    fn receive_tree(&self) -> Result<OwnedFd, CreateError> {
        match wire::receive(&self.socket).internal(|| "wait for a mount")? {
            Message::Tree(tree) => Ok(tree),
            _ => Err(CreateError::internal("the creator has gone")),
        }
    }

    fn ready(&self, console: Option<OwnedFd>) -> Result<(), CreateError> {
        wire::send(&self.socket, &Message::Ready(console)).internal(|| "report readiness")
    }

    fn await_start(&mut self) -> Result<(), CreateError> {
        match &self.gate {
            Some(gate) => {
                let mut byte = [0];
                rustix::io::retry_on_intr(|| rustix::io::read(&gate.start, &mut byte)).internal(|| "wait for start")?;
            }
            None => match wire::receive(&self.socket).internal(|| "wait for start")? {
                Message::Start => {}
                _ => return Err(CreateError::internal("the creator has gone")),
            },
        }
        self.released = true;
        Ok(())
    }

    /// The numbers of descriptors that the conversation needs until the exec, the terminal's among them.
    fn kept(&self, console: Option<&OwnedFd>) -> Vec<i32> {
        use std::os::fd::AsRawFd;
        let gate = self
            .gate
            .iter()
            .flat_map(|gate| [gate.start.as_raw_fd(), gate.status.as_raw_fd()]);
        let console = console.map(AsRawFd::as_raw_fd);
        let mut kept: Vec<i32> = gate.chain([self.socket.as_raw_fd()]).chain(console).collect();
        kept.sort_unstable();
        kept
    }

    fn report(&self, error: CreateError) {
        // Nobody is left to hear of a failure to report a failure.
        match (&self.gate, self.released) {
            (Some(gate), true) => {
                let json = serde_json::to_vec(&error).unwrap_or_default();
                rustix::io::write(&gate.status, &json).map(drop).unwrap_or_default();
            }
            _ => wire::send(&self.socket, &Message::Failed(error)).unwrap_or_default(),
        }
    }
}
