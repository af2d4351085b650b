//! Wiring: sockets, engine, accept loops, signals, the end.
//!
//! Order at the start: pid file, sockets bound (clients queue), engine opened, clients served. At the
//! end: no new clients, requests in progress finished within a limit, engine closed, files removed.
//! Containers go on unless the engine is told otherwise.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use corten_engine::Engine;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use crate::handle::Api;
use crate::http::{Handler, Stop, Stopper, serve_connection};
use crate::listen::{Address, Listener, UnixSocketFile, is_answered, listen_unix, passed_listeners};
use crate::notify::notify;
use crate::pidfile::PidFile;
use crate::settings::Settings;
use crate::thrift::Thrift;

/// How long an accept loop rests when the kernel refuses a client (no descriptors are left).
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// Runs a daemon until it is told to end.
///
/// # Errors
/// It cannot start: the pid file or a socket is another's, or the engine cannot open its state.
pub async fn run(settings: Settings) -> Result<()> {
    let mut signals = Signals::new()?;
    let _pidfile = PidFile::take(&settings.pidfile)?;
    let (listeners, files) = listen(&settings).await.context("failed to load listeners")?;
    let engine = Engine::open(settings.engine).await.context("failed to start daemon")?;
    let (stopper, stop) = Stopper::new();
    let thrift = Thrift::default();
    let api = Arc::new(Api::new(engine.clone(), settings.debug));
    let mut served = serve(listeners, &api, &thrift, &stop);
    tracing::info!(version = crate::release::ANNOUNCED, "daemon is ready");
    notify("READY=1");
    let thrifty = tokio::spawn(thrift.run());
    let reason = signals.ending().await;
    tracing::info!("{reason}: shutting down");
    notify("STOPPING=1");
    drop(files);
    // The accept loops end on this, and connections after their request in progress.
    stopper.stop();
    thrifty.abort();
    tokio::select! {
        () = finish(&mut served, settings.shutdown_limit, &engine) => {}
        again = signals.ending() => tracing::warn!("{again} again: ending at once"),
    }
    Ok(())
}

/// Waits for the requests in progress, within a limit, and ends the engine.
async fn finish(served: &mut JoinSet<()>, limit: Duration, engine: &Engine) {
    let finished = async { while served.join_next().await.is_some() {} };
    if tokio::time::timeout(limit, finished).await.is_err() {
        tracing::warn!("requests are still in progress after {limit:?}: ending anyway");
    }
    engine.shutdown().await;
}

/// Opens all sockets; the files are removed when the second value is dropped.
async fn listen(settings: &Settings) -> Result<(Vec<Listener>, Vec<UnixSocketFile>)> {
    let (mut listeners, mut files) = (Vec::new(), Vec::new());
    let mut unix = |path: &Path| -> Result<Listener> {
        let (listener, file) = listen_unix(path, settings.group.as_deref())?;
        files.push(file);
        tracing::info!("API listen on {}", path.display());
        Ok(Listener::Unix(listener))
    };
    for host in &settings.hosts {
        match host {
            Address::Unix(path) => listeners.push(unix(path)?),
            Address::Tcp(address) => {
                tracing::warn!("{address}: anyone who can connect has full control of this host: there is no TLS");
                let listener = TcpListener::bind(address)
                    .await
                    .with_context(|| format!("listen on tcp://{address}"))?;
                listeners.push(Listener::Tcp(listener));
            }
            Address::Passed => listeners.extend(passed_listeners()?),
        }
    }
    if let Some(path) = settings.spare_host.as_deref().filter(|path| !is_answered(path)) {
        match unix(path) {
            Ok(listener) => listeners.push(listener),
            Err(error) => tracing::warn!("not listening on {} too: {error:#}", path.display()),
        }
    }
    Ok((listeners, files))
}

/// Starts one accept loop per socket.
fn serve<H: Handler>(listeners: Vec<Listener>, handler: &Arc<H>, thrift: &Thrift, stop: &Stop) -> JoinSet<()> {
    let mut served = JoinSet::new();
    for listener in listeners {
        served.spawn(accept(listener, Arc::clone(handler), thrift.clone(), stop.clone()));
    }
    served
}

/// Serves the clients of one socket until told to stop, then waits for their requests in progress.
pub async fn accept<H: Handler>(listener: Listener, handler: Arc<H>, thrift: Thrift, mut stop: Stop) {
    let mut connections = JoinSet::new();
    let for_connections = stop.clone();
    loop {
        tokio::select! {
            client = listener.accept() => match client {
                Ok(socket) => {
                    connections.spawn(serve_connection(Arc::clone(&handler), socket, for_connections.clone()));
                }
                Err(error) => {
                    tracing::warn!("cannot accept a client: {error}");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            },
            Some(_) = connections.join_next() => thrift.connection_ended(),
            () = stop.requested() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// The signals that mean something to us.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let on = |kind| signal(kind).context("listen for signals");
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            quit: on(SignalKind::quit())?,
            hangup: on(SignalKind::hangup())?,
        })
    }

    /// Waits for a signal to end; returns its name.
    async fn ending(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.quit.recv() => return "SIGQUIT",
                _ = self.hangup.recv() => tracing::warn!("SIGHUP: reloading the configuration is not implemented yet"),
            }
        }
    }
}
