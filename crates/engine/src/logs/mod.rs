//! Reading what containers wrote: the log files of the shim, as a stream of large pieces. A follower
//! waits for inotify on the log's directory entry and for the container's end; nothing polls.

pub mod line;
pub mod reader;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::inotify;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::container::{Container, View, log_settings, record};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::request::LogOptions;
use reader::{Reader, Selection};

/// Size of the pieces, in bytes: large enough that crossing threads costs nothing beside the work.
const PIECE_BYTES: usize = 256 * 1024;

/// A container's log on its way to a client.
#[derive(Debug)]
pub struct LogStream {
    framed: bool,
    state: State,
    follow: Option<Follow>,
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
    notify: AsyncFd<std::os::fd::OwnedFd>,
    view: watch::Receiver<Arc<View>>,
}

/// Opens the log of a container.
pub(crate) async fn open(core: &Arc<Core>, container: &Arc<Container>, options: LogOptions) -> Result<LogStream> {
    if !options.stdout && !options.stderr {
        return Err(Error::invalid("You must choose at least one stream"));
    }
    let config = &container.effective.host.log_config;
    if config.kind == "none" {
        return Err(Error::not_implemented(
            "configured logging driver does not support reading",
        ));
    }
    let framed = !container.effective.config.tty;
    let directory = core.container_directory(&container.id);
    let path = record::log_path(&directory, &container.id);
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
    };
    let failed = |error| Error::caused("read the log", error);
    let follow = options
        .follow
        .then(|| watch(&directory, container))
        .transpose()
        .map_err(failed)?;
    let reader = open_reader(path, selection).await?;
    Ok(LogStream {
        framed,
        state: State::Idle(Box::new(reader)),
        follow,
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
    let settings = log_settings::parse(&container.effective.host.log_config.config)?;
    let config = &container.effective.config;
    let attributes = settings.attributes(&config.labels, &config.env);
    let escape = corten_api::query::escape;
    let pairs: Vec<String> = attributes
        .iter()
        .map(|(key, value)| format!("{}={}", escape(key), escape(value)))
        .collect();
    Ok(pairs.join(",") + " ")
}

fn watch(directory: &std::path::Path, container: &Container) -> std::io::Result<Follow> {
    use inotify::{CreateFlags, WatchFlags};
    let notify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    // The directory, because rotation puts another file under the name.
    inotify::add_watch(
        &notify,
        directory,
        WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO,
    )?;
    Ok(Follow {
        notify: crate::ready::watch(notify, Interest::READABLE)?,
        view: container.view.clone(),
    })
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
        self.state = State::Reading(tokio::task::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4);
            let filled = reader.fill(&mut piece, PIECE_BYTES);
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
            ready = follow.notify.readable() => {
                let Ok(mut guard) = ready else { return false };
                let mut buffer = [0; 4096];
                while rustix::io::read(follow.notify.get_ref(), &mut buffer).is_ok_and(|count| count > 0) {}
                guard.clear_ready();
            }
            ended = follow.view.wait_for(|view| view.life.phase.running().is_none()) => {
                drop(ended);
                self.last_look = true;
            }
        }
        true
    }
}
