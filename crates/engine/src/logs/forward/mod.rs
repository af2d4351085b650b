//! Sends the logs of containers on to a syslog server or to the journal.
//!
//! ```text
//! container -> shim -> <id>/container-cached.log (rotated)  -> forwarder (here) -> server
//!                      <id>/forwarded: behind the last record that was sent
//! ```
//! The shim only writes the file, so that nothing is lost while the daemon is dead or the server is away: what was
//! not sent is sent later, as long as rotation leaves it. A container never waits for a server. After a kill of the
//! daemon what was sent last may be sent once more.

pub(crate) mod journal;
mod mark;
pub(crate) mod sink;
pub(crate) mod syslog;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use corten_base::id::hex;
use corten_base::zone::Zone;
use tokio::io::Interest;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::attributes::DEFAULT_TAG;
use super::cursor::{Cursor, Mark};
use super::entry::Line;
use super::options::Driver;
use super::place::{self, Place};
use crate::container::Container;
use crate::core::{Core, random_bytes};
use crate::error::{Error, Result};
use sink::{Destination, Sink};

/// Bytes of messages that are read, then sent, in one go.
const BATCH_BYTES: usize = 64 * 1024;

/// Between attempts to reach a server: the first, and the longest.
const RETRY: Duration = Duration::from_millis(100);
/// See [`RETRY`].
const RETRY_LIMIT: Duration = Duration::from_secs(5);

/// How long the end of a container is held up for what was not sent; what remains stays for the next start.
pub(crate) const FINISH_LIMIT: Duration = Duration::from_secs(10);

/// What a container's log is sent by.
#[derive(Debug)]
enum Writer {
    Syslog(syslog::Writer),
    Journal(journal::Writer),
}

impl Writer {
    fn write(&mut self, line: &Line<'_>, to: &mut Vec<u8>) {
        match self {
            Self::Syslog(writer) => writer.write(line, to),
            Self::Journal(writer) => writer.write(line, to),
        }
    }
}

/// Everything needed to send one container's log on.
pub(crate) struct Route {
    place: Place,
    directory: PathBuf,
    destination: Destination,
    writer: Writer,
    name: String,
}

/// A log on its way. Dropping it lets it go on by itself until the container has ended.
#[derive(Debug)]
pub(crate) struct Forwarder {
    ended: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Whether a container's driver sends its log on.
pub(crate) fn is_sent_on(container: &Container) -> bool {
    let driver = Driver::named(&container.effective.host.log_config.kind);
    matches!(driver, Some(Driver::Syslog | Driver::Journald))
}

/// The route of a container's log, if it has a driver that sends it on; errors as a start reports them.
pub(crate) fn route(core: &Core, container: &Container) -> Result<Option<Route>> {
    let log = &container.effective.host.log_config;
    let failed = |reason: &dyn std::fmt::Display| place::not_initialized(reason);
    let (destination, writer) = match Driver::named(&log.kind) {
        Some(Driver::Syslog) => {
            let address = syslog::address(&log.config).map_err(|error| failed(&error))?;
            let destination = Destination::syslog(address, &log.config).map_err(|error| failed(&error))?;
            (destination, syslog_writer(container)?)
        }
        Some(Driver::Journald) => (Destination::Journal, journal_writer(container)?),
        Some(Driver::None | Driver::JsonFile | Driver::Local) | None => return Ok(None),
    };
    let Some(place) = place::of(core, container) else {
        return Ok(None);
    };
    Ok(Some(Route {
        place,
        directory: core.container_directory(&container.id),
        destination,
        writer,
        name: container.id.short().to_owned(),
    }))
}

fn syslog_writer(container: &Container) -> Result<Writer> {
    let options = &container.effective.host.log_config.config;
    let failed = |reason: &dyn std::fmt::Display| place::not_initialized(reason);
    let format = syslog::format(options).map_err(|error| failed(&error))?;
    let address = syslog::address(options).map_err(|error| failed(&error))?;
    let tag = place::facts(container, "", |facts| facts.tag(DEFAULT_TAG));
    let is_rfc5424 = matches!(format, syslog::Format::Rfc5424 | syslog::Format::Rfc5424Micro);
    Ok(Writer::Syslog(syslog::Writer {
        counted: is_rfc5424 && matches!(address, syslog::Address::Tls(_)),
        format,
        facility: syslog::facility(options).map_err(|error| failed(&error))?,
        tag: tag.map_err(|error| failed(&error))?,
        host: crate::network::files::host_name(),
        pid: std::process::id(),
        zone: Zone::local(),
    }))
}

fn journal_writer(container: &Container) -> Result<Writer> {
    let made = place::facts(container, "", |facts| Ok((facts.tag(DEFAULT_TAG)?, facts.chosen()?)));
    let (tag, chosen) = made.map_err(|error: super::attributes::AttributeError| place::not_initialized(&error))?;
    Ok(Writer::Journal(journal::Writer::new(&journal::Container {
        id: container.id.as_str(),
        name: &container.name(),
        image: &container.effective.config.image,
        tag: &tag,
        chosen: &chosen,
        epoch: &hex(&random_bytes()),
    })))
}

impl Route {
    /// Whether somebody takes the log: asked before the container starts.
    pub(crate) async fn connect(&self) -> Result<Sink> {
        let connected = self.destination.connect().await;
        connected.map_err(|error| place::not_initialized(&error))
    }

    /// Whether there is anything to send.
    pub(crate) fn is_pending(&self) -> bool {
        self.place.path.exists()
    }

    /// Begins to send, from where it was left off.
    pub(crate) fn begin(self, sink: Option<Sink>) -> Forwarder {
        let (ended, told) = watch::channel(false);
        let name = self.name.clone();
        let task = tokio::spawn(async move {
            let sending = Sending {
                destination: self.destination.clone(),
                sink,
                name: self.name.clone(),
                told,
            };
            if let Err(error) = forward(self, sending).await {
                tracing::error!(container = name, %error, "the log is not sent on any more");
            }
        });
        Forwarder { ended, task }
    }
}

impl Forwarder {
    /// The container has ended: what is there is sent, and that is all.
    pub(crate) fn end(&self) {
        self.ended.send_replace(true);
    }

    /// Waits until all is sent, or for [`FINISH_LIMIT`]; what is not sent then stays.
    pub(crate) async fn finish(self) {
        self.end();
        let abort = self.task.abort_handle();
        if tokio::time::timeout(FINISH_LIMIT, self.task).await.is_err() {
            tracing::warn!("the rest of a log was not sent on in time");
            abort.abort();
        }
    }
}

/// What is read in one go.
struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    mark: Option<Mark>,
}

struct Reading {
    cursor: Cursor,
    writer: Writer,
}

async fn forward(route: Route, mut sending: Sending) -> Result<()> {
    let failed = |error: io::Error| Error::caused("send the log on", error);
    let notify = super::notify(&route.place.path).map_err(failed)?;
    let notify = crate::ready::watch(notify, Interest::READABLE).map_err(failed)?;
    let directory = route.directory;
    let mut cursor = Cursor::new(&route.place.path, route.place.format);
    let mut reading = {
        let directory = directory.clone();
        let opened = tokio::task::spawn_blocking(move || {
            match mark::read(&directory)? {
                Some(mark) => drop(cursor.seek_mark(mark)?),
                None => drop(cursor.seek_oldest()?),
            }
            Ok(cursor)
        });
        let cursor = opened.await.map_err(|error| Error::caused("read the log", error))?;
        Reading {
            cursor: cursor.map_err(failed)?,
            writer: route.writer,
        }
    };
    let mut sent = None;
    loop {
        let is_last = *sending.told.borrow_and_update();
        let directory = directory.clone();
        let read = tokio::task::spawn_blocking(move || {
            if let Some(mark) = sent {
                mark::write(&directory, mark)?;
            }
            let batch = reading.read()?;
            Ok((reading, batch))
        });
        let read = read.await.map_err(|error| Error::caused("read the log", error))?;
        let batch;
        (reading, batch) = read.map_err(failed)?;
        sent = batch.mark;
        if !batch.ends.is_empty() {
            sending.send(&batch).await;
        } else if is_last {
            return Ok(());
        } else {
            tokio::select! {
                ready = notify.readable() => super::drain(ready.map_err(failed)?),
                _ended = sending.told.changed() => {}
            }
        }
    }
}

impl Reading {
    fn read(&mut self) -> io::Result<Batch> {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        loop {
            let writer = &mut self.writer;
            let is_full = self.cursor.each(|line| {
                writer.write(line, &mut bytes);
                ends.push(bytes.len());
                bytes.len() < BATCH_BYTES
            });
            if is_full || !ends.is_empty() || !self.cursor.advance()? {
                let mark = self.cursor.mark();
                return Ok(Batch { bytes, ends, mark });
            }
        }
    }
}

struct Sending {
    destination: Destination,
    sink: Option<Sink>,
    name: String,
    told: watch::Receiver<bool>,
}

impl Sending {
    /// Sends a batch whole, however often it takes.
    async fn send(&mut self, batch: &Batch) {
        let (mut bytes, mut ends) = (batch.bytes.as_slice(), batch.ends.clone());
        let mut pause = RETRY;
        while !ends.is_empty() {
            let Some(sink) = &mut self.sink else {
                match self.destination.connect().await {
                    Ok(sink) => self.sink = Some(sink),
                    Err(error) => {
                        if pause == RETRY {
                            tracing::warn!(container = self.name, %error, "nobody takes the log, trying again");
                        }
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(RETRY_LIMIT);
                    }
                }
                continue;
            };
            let (gone, result) = sink.send(bytes, &ends).await;
            if gone > 0 {
                let cut = ends.get(gone - 1).copied().unwrap_or(0);
                bytes = bytes.get(cut..).unwrap_or_default();
                ends.drain(..gone);
                ends.iter_mut().for_each(|end| *end -= cut);
                pause = RETRY;
            }
            if let Err(error) = result {
                tracing::warn!(container = self.name, %error, "the log is sent on over a new connection");
                self.sink = None;
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY_LIMIT);
            }
        }
    }
}
