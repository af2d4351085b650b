//! Reading what containers wrote: the log files of the shim, as a stream of large pieces. A follower
//! waits for inotify on the log's directory entry and for the container's end; nothing polls.
//!
//! The shim writes ([`place`] says where and how), the daemon reads, compresses what was rotated and sends on what is
//! to be sent on.

pub(crate) mod attributes;
pub(crate) mod compress;
mod cursor;
pub mod entry;
pub(crate) mod forward;
pub mod framed;
pub mod line;
pub(crate) mod options;
pub(crate) mod place;
pub mod reader;
mod source;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use corten_base::Timestamp;
use rustix::fs::inotify;
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::container::phase::Phase;
use crate::container::{Container, View};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::request::LogOptions;
use reader::{Reader, Selection};

/// Size of the first pieces, in bytes: a client that never reads costs some of these.
const FIRST_PIECE_BYTES: usize = 16 << 10;

/// Size of the pieces once this client has taken many, in bytes: crossing threads costs little beside the work.
const PIECE_BYTES: usize = 128 << 10;

/// How large the next piece is for a client that was given so many bytes already.
fn piece_bytes(given: usize) -> usize {
    (given / 32).clamp(FIRST_PIECE_BYTES, PIECE_BYTES)
}

/// A container's log on its way to a client.
#[derive(Debug)]
pub struct LogStream {
    framed: bool,
    state: State,
    follow: Option<Follow>,
    /// Bytes that were handed out so far.
    given: usize,
    /// The container has ended; one more look at the file and it is over.
    last_look: bool,
}

type Filled = (Reader, std::io::Result<(Vec<u8>, bool)>);

#[derive(Debug)]
enum State {
    Idle(Box<Reader>),
    Reading(JoinHandle<Filled>),
    Ended,
}

#[derive(Debug)]
struct Follow {
    notify: AsyncFd<OwnedFd>,
    view: watch::Receiver<Arc<View>>,
    /// Nothing later is wanted.
    until: Option<Timestamp>,
}

/// Opens the log of a container.
pub(crate) async fn open(core: &Arc<Core>, container: &Arc<Container>, options: LogOptions) -> Result<LogStream> {
    if !options.stdout && !options.stderr {
        return Err(Error::invalid("You must choose at least one stream"));
    }
    if matches!(container.look().life.phase, Phase::Dead(_) | Phase::Removing(_)) {
        return Err(Error::conflict(
            "can not get logs from container which is dead or marked for removal",
        ));
    }
    let place = place::of(core, container).filter(|place| place.readable);
    let Some(place) = place else {
        return Err(Error::not_implemented(
            "configured logging driver does not support reading",
        ));
    };
    let framed = options.framed || (!container.effective.config.tty && !options.raw);
    let selection = Selection {
        stdout: options.stdout,
        stderr: options.stderr,
        since: options.since,
        until: options.until,
        tail: options.tail,
        timestamps: options.timestamps,
        prefix: if options.details {
            details(container)?
        } else {
            String::new()
        },
        framed,
        format: place.format,
    };
    let failed = |error| Error::caused("read the log", error);
    let follow = options
        .follow
        .then(|| watch(&place.path, container, options.until))
        .transpose()
        .map_err(failed)?;
    let reader = open_reader(place.path, selection).await?;
    Ok(LogStream {
        framed,
        state: State::Idle(Box::new(reader)),
        follow,
        given: 0,
        last_look: false,
    })
}

async fn open_reader(path: PathBuf, selection: Selection) -> Result<Reader> {
    let opened = tokio::task::spawn_blocking(move || Reader::open(&path, selection)).await;
    let opened = opened.map_err(|error| Error::caused("read the log", error))?;
    opened.map_err(|error| Error::caused("read the log", error))
}

/// `key=value,key=value ` of the log's attributes.
fn details(container: &Container) -> Result<String> {
    let attributes = place::facts(container, "", |facts| facts.recorded());
    let attributes = attributes.map_err(|error| Error::caused("read the log's attributes", error))?;
    let escape = corten_api::query::escape;
    let pairs: Vec<String> = attributes
        .iter()
        .map(|(key, value)| format!("{}={}", escape(key), escape(value)))
        .collect();
    Ok(pairs.join(",") + " ")
}

fn watch(log: &Path, container: &Container, until: Option<Timestamp>) -> std::io::Result<Follow> {
    Ok(Follow {
        notify: crate::ready::watch(notify(log)?, Interest::READABLE)?,
        view: container.view.clone(),
        until,
    })
}

/// Tells of changes of a log: of its directory, because rotation puts another file under the name.
fn notify(log: &Path) -> std::io::Result<OwnedFd> {
    use inotify::{CreateFlags, WatchFlags};
    let notify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    let flags = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO;
    // Where the log of a container that never ran will be is not made yet.
    let directory = log.ancestors().skip(1).find(|directory| directory.exists());
    inotify::add_watch(&notify, directory.unwrap_or(log), flags)?;
    Ok(notify)
}

/// Takes all notices that have come.
fn drain(mut guard: AsyncFdReadyGuard<'_, OwnedFd>) {
    let mut buffer = [0; 4096];
    while rustix::io::read(guard.get_inner(), &mut buffer).is_ok_and(|count| count > 0) {}
    guard.clear_ready();
}

/// Returns when the point in time has come; never without one.
async fn reached(until: Option<Timestamp>) {
    let Some(until) = until else {
        return std::future::pending().await;
    };
    let now = Timestamp::now();
    let seconds = until.unix_seconds().saturating_sub(now.unix_seconds());
    let nanos = i64::from(until.subsecond_nanos()) - i64::from(now.subsecond_nanos());
    let left = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    tokio::time::sleep(Duration::from_nanos(u64::try_from(left.max(0)).unwrap_or(u64::MAX))).await;
}

impl LogStream {
    /// Whether the bytes are in Docker's frames; otherwise raw (a terminal's).
    #[must_use]
    pub fn multiplexed(&self) -> bool {
        self.framed
    }

    /// The next piece, any number of whole lines; `None` at the end. May be dropped while it waits.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        loop {
            if let State::Idle(_) = self.state {
                self.begin();
            }
            let State::Reading(task) = &mut self.state else {
                return None;
            };
            let (reader, filled) = match task.await {
                Ok(filled) => filled,
                Err(error) => return self.end(Error::caused("read the log", error)),
            };
            let (piece, more) = match filled {
                Ok(filled) => filled,
                Err(error) => return self.end(Error::caused("read the log", error)),
            };
            let done = reader.is_done();
            self.state = State::Idle(Box::new(reader));
            self.given += piece.len();
            if more {
                // While the caller sends this piece the next one is read.
                self.begin();
            }
            if !piece.is_empty() {
                return Some(Ok(piece.into()));
            }
            if !more && (done || !self.wait().await) {
                self.state = State::Ended;
                return None;
            }
        }
    }

    fn begin(&mut self) {
        let State::Idle(reader) = std::mem::replace(&mut self.state, State::Ended) else {
            return;
        };
        let mut reader = *reader;
        let limit = piece_bytes(self.given);
        self.state = State::Reading(tokio::task::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(limit + limit / 8);
            let filled = reader.fill(&mut piece, limit);
            (reader, filled.map(|more| (piece, more)))
        }));
    }

    fn end(&mut self, error: Error) -> Option<Result<Bytes>> {
        self.state = State::Ended;
        Some(Err(error))
    }

    /// Waits until there may be more; false if nothing can come any more.
    async fn wait(&mut self) -> bool {
        let Some(follow) = &mut self.follow else { return false };
        if self.last_look {
            return false;
        }
        tokio::select! {
            ready = follow.notify.readable() => match ready {
                Ok(guard) => drain(guard),
                Err(_closed) => return false,
            },
            ended = follow.view.wait_for(|view| view.life.phase.running().is_none()) => {
                drop(ended);
                self.last_look = true;
            }
            () = reached(follow.until) => self.last_look = true,
        }
        true
    }
}
