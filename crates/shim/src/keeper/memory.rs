//! Want of memory: heard of when the kernel kills, not only counted at the container's end.
//!
//! With v1 the kernel says it when it is about to kill, so that its counter may still be behind; each report counts,
//! as it does for Docker. With v2 it says that a counter of `memory.events` has changed, and the right one decides.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt as _;

use corten_runtime::cgroup;
use corten_runtime::plan::Layout;
use rustix::event::epoll::EventFlags;
use serde::{Deserialize, Serialize};

use super::poll::{Token, Watch};
use super::{Keeper, Stage};
use crate::protocol::Event;

/// More than `memory.events` has ever had, in bytes.
const EVENTS_BYTES: usize = 512;

/// What the kernel reports through.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MemoryWatch {
    #[serde(with = "crate::carried::descriptor")]
    descriptor: OwnedFd,
    #[serde(with = "crate::keeper::poll::watch")]
    watch: Watch,
    /// Kills that were told of.
    kills: u64,
}

impl Keeper {
    /// Begins to listen. A container without it is kept all the same: its end tells.
    pub(super) fn watch_memory(&mut self) {
        let Some(container) = &self.container else { return };
        let descriptor = match cgroup::watch_memory(&container.cgroup) {
            Ok(Some(descriptor)) => descriptor,
            Ok(None) => return,
            Err(error) => {
                note!("{error}: {}", error.source);
                return;
            }
        };
        let mut memory = MemoryWatch {
            descriptor,
            watch: None,
            kills: 0,
        };
        if container.cgroup.layout == Layout::V2 {
            // A first read, without which it is ready from the beginning; and what an older program has counted.
            memory.kills = memory.kills_now();
        }
        // Edge-triggered: a program of an older version, which does not know the token, is not kept awake by it.
        let wanted = match container.cgroup.layout {
            Layout::V1 => EventFlags::IN | EventFlags::ET,
            Layout::V2 => EventFlags::PRI | EventFlags::ET,
        };
        let MemoryWatch { descriptor, watch, .. } = &mut memory;
        self.poll.set(watch, descriptor.as_fd(), Token::Memory, Some(wanted));
        self.memory = Some(memory);
    }

    /// Before the groups go, which is reported too.
    pub(super) fn leave_memory(&mut self) {
        if let Some(mut memory) = self.memory.take() {
            self.poll
                .set(&mut memory.watch, memory.descriptor.as_fd(), Token::Memory, None);
        }
    }

    /// The kernel has said something.
    pub(super) fn hear_of_memory(&mut self) {
        let (Some(memory), Some(container)) = (&mut self.memory, &mut self.container) else {
            return;
        };
        let tells = match container.cgroup.layout {
            Layout::V1 => {
                // What is counted there does not matter; reading it makes it ready again.
                rustix::io::read(&memory.descriptor, &mut [0u8; 8]).ok();
                cgroup::has_memory_group(&container.cgroup)
            }
            Layout::V2 => {
                let kills = memory.kills_now();
                std::mem::replace(&mut memory.kills, kills) < kills
            }
        };
        if tells
            && matches!(
                self.stage,
                Stage::Created { .. } | Stage::Running | Stage::Ending { .. }
            )
        {
            container.out_of_memory = true;
            self.announce(&Event::OutOfMemory);
        }
    }
}

impl MemoryWatch {
    /// The kernel's count, read through the watched descriptor; the one before if it cannot be read.
    fn kills_now(&self) -> u64 {
        let Ok(file) = self.descriptor.try_clone().map(File::from) else {
            return self.kills;
        };
        let mut bytes = [0; EVENTS_BYTES];
        match file.read_at(&mut bytes, 0) {
            Ok(length) => cgroup::kills_in(&String::from_utf8_lossy(bytes.get(..length).unwrap_or_default())),
            Err(_gone) => self.kills,
        }
    }
}
