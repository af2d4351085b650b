//! Processes that end: reaping, the last output, the record, the report, and the shim's own end.
//!
//! Exec sessions that the container's end takes along are reported before it.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use corten_base::Timestamp;
use corten_runtime::{cgroup, hooks};
use rustix::process::{WaitOptions, WaitStatus};

use super::poll::Number;
use super::{FIRST_PROCESS, Keeper, LAST_BYTES_LIMIT, Stage};
use crate::protocol::{Event, Exit, Failure, Reply, Target};

/// Output that is held open by somebody who has survived is not waited for longer (as Docker).
const OUTPUT_LIMIT: Duration = Duration::from_secs(2);

/// A daemon that is connected but never says `Release` is not waited for longer.
const RELEASE_LIMIT: Duration = Duration::from_secs(60);

impl Keeper {
    /// Children have ended.
    pub(super) fn reap(&mut self) {
        // Several ends may be one signal, so all are looked for whatever it says.
        if let Err(error) = corten_sys::signal::acknowledge(self.children.as_fd())
            && error.kind() != io::ErrorKind::WouldBlock
        {
            note!("cannot read the signal: {error}");
        }
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            let pid = pid.as_raw_nonzero().get().cast_unsigned();
            let Some(code) = outcome(status) else { continue };
            // Others are orphans of the container that were given to us.
            if let Some(number) = self
                .processes
                .iter()
                .find(|(_, process)| process.pid == pid && process.ended.is_none())
                .map(|(n, _)| *n)
            {
                self.end_process(number, code, Timestamp::now());
            }
        }
    }

    fn end_process(&mut self, number: Number, code: i32, at: Timestamp) {
        if number == FIRST_PROCESS {
            self.end_container(code, at);
        }
        let Some(process) = self.processes.get_mut(&number) else {
            return;
        };
        process.ended = Some((code, at));
        process.close_input(&self.poll, number);
        self.drain(number);
        if let Some(process) = self.processes.get_mut(&number)
            && !process.is_drained()
        {
            process.give_up = Some(Instant::now() + OUTPUT_LIMIT);
            process.watch_outputs(&self.poll, number);
        }
        self.settle(number);
    }

    /// Without a pid namespace of its own the container's other processes are still there.
    fn end_container(&mut self, code: i32, at: Timestamp) {
        // Ended before it was let go: `start` finds out and undoes everything.
        if matches!(self.stage, Stage::Created { .. }) {
            return;
        }
        // At once: systemd removes the group of a scope that is empty.
        let out_of_memory = self.was_out_of_memory();
        self.stage = Stage::Ending {
            code,
            at,
            out_of_memory,
        };
        if let Some(container) = &self.container
            && !container.private_pids
            && let Err(error) = cgroup::kill_all(&container.cgroup)
        {
            note!("{error}: {}", error.source);
        }
        for process in self
            .processes
            .values()
            .filter(|process| process.target != Target::Container)
        {
            // One that has just ended by itself is as good.
            if process.ended.is_none()
                && let Err(error) = corten_sys::signal::send(process.pidfd.as_fd(), 9)
            {
                note!("cannot kill an exec session: {error}");
            }
        }
    }

    /// Reports a process if nothing of it is missing any more.
    pub(super) fn settle(&mut self, number: Number) {
        let Some(process) = self.processes.get(&number).filter(|process| process.is_drained()) else {
            return;
        };
        let Some((code, at)) = process.ended else { return };
        match process.target.clone() {
            Target::Container => self.finish_container(),
            Target::Exec(exec) => {
                let exit = Exit {
                    code,
                    at,
                    out_of_memory: false,
                };
                record(&process.exit_path, &exit);
                self.processes.remove(&number);
                self.announce(&Event::ExecExited { exec, exit });
                self.finish_clients(number);
                self.finish_container();
            }
        }
    }

    /// Reports the container's end when the last of its processes is reported.
    fn finish_container(&mut self) {
        let Stage::Ending {
            code,
            at,
            out_of_memory,
        } = self.stage
        else {
            return;
        };
        let first = self.processes.get(&FIRST_PROCESS);
        let complete = first.is_some_and(|first| first.ended.is_some() && first.is_drained());
        if !complete || self.processes.len() > 1 {
            return;
        }
        self.processes.remove(&FIRST_PROCESS);
        self.recorder = None;
        self.close_ports();
        self.close_names();
        let exit = Exit {
            code,
            at,
            out_of_memory: out_of_memory || self.was_out_of_memory(),
        };
        if let Some(container) = &mut self.container {
            record(&container.exit_path, &exit);
            container.exit = Some(exit.clone());
        }
        self.stage = Stage::Exited {
            deadline: Instant::now() + RELEASE_LIMIT,
        };
        self.announce(&Event::Exited(exit));
        if self.daemons.is_empty() {
            self.release();
        }
    }

    fn was_out_of_memory(&self) -> bool {
        let Some(container) = &self.container else { return false };
        if container.out_of_memory {
            return true;
        }
        let kills = cgroup::oom_kills(&container.cgroup).unwrap_or_else(|error| {
            note!("{error}: {}", error.source);
            0
        });
        kills > 0
    }

    /// Closes a process's clients when they have everything.
    fn finish_clients(&mut self, process: Number) {
        let numbers: Vec<Number> = self
            .clients
            .iter()
            .filter(|(_, client)| client.process == process)
            .map(|(number, _)| *number)
            .collect();
        for number in numbers {
            let Some(client) = self.clients.get_mut(&number) else {
                continue;
            };
            if client.is_behind() {
                client.finish_by_limit();
                client.watch(&self.poll, number, false);
            } else {
                self.finish_client(number);
            }
        }
    }

    pub(super) fn release_on_request(&mut self) -> Result<Reply, Failure> {
        match self.stage {
            Stage::Exited { .. } => self.release(),
            Stage::Over { .. } => {}
            Stage::Empty | Stage::Created { .. } | Stage::Running | Stage::Ending { .. } => {
                return Err(super::request::invalid("the container has not ended".to_owned()));
            }
        }
        Ok(Reply::Done)
    }

    /// Removes what only the shim could still hold, and ends. Attached clients see the end of the output only now: who
    /// looks at the container then finds that it has ended, as with Docker.
    pub(super) fn release(&mut self) {
        self.finish_clients(FIRST_PROCESS);
        self.stage = Stage::Over {
            deadline: Instant::now() + LAST_BYTES_LIMIT,
        };
        if let Some(plan) = self.container.as_mut().and_then(|container| container.poststop.take())
            && let Err(error) = hooks::poststop(&plan)
        {
            note!("{error}");
        }
        self.remove_cgroups();
        self.stop_listening();
    }
}

/// The exit code, 128 + n for signal n.
fn outcome(status: WaitStatus) -> Option<i32> {
    status
        .exit_status()
        .or_else(|| status.terminating_signal().map(|signal| 128 + signal))
}

/// Writes an exit record; where it belongs the disk may be full, and then it is in the run directory.
fn record(path: &Path, exit: &Exit) {
    let text = serde_json::to_vec(exit).expect("an exit has only numbers and text");
    let Err(error) = write(path, &text) else { return };
    note!("cannot record the exit in {}: {error}", path.display());
    let here = path.file_name().map(Path::new);
    if let Some(Err(error)) = here.map(|here| write(here, &text)) {
        note!("cannot record the exit at all: {error}");
    }
}

/// Writes a file under a temporary name and renames it.
fn write(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension("tmp");
    let written = std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        drop(std::fs::remove_file(&temporary));
    }
    written
}
