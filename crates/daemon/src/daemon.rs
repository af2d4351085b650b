//! Wiring: sockets, engine, accept loops, signals, the end.
//!
//! Order at the start: pid file, sockets bound (clients queue), engine opened, clients served. At the
//! end: no new clients, requests in progress finished within a limit, engine closed, files removed.
//! Containers go on unless the engine is told otherwise, by its settings or by the stop file.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use corten_engine::Engine;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::handle::Api;
use crate::http::{Handler, Socket, Stop, Stopper, serve_connection};
use crate::listen::{
    Client, Listener, finish as finish_secured, open_sockets, secure, server_config, warn_of_open_sockets,
};
use crate::metrics::Metrics;
use crate::notify::notify;
use crate::pidfile::PidFile;
use crate::reload::Current;
use crate::settings::Settings;
use crate::signals::{Signals, Wanted};
use crate::stop_file::StopFile;
use crate::thrift::Thrift;

/// How long an accept loop rests when the kernel refuses a client (no descriptors are left).
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// What the service manager is asked for where containers may take for ever to end.
const EXTENSION_LIMIT: Duration = Duration::from_hours(24);

/// Runs a daemon until it is told to end.
///
/// # Errors
/// It cannot start: the pid file or a socket is another's, or the engine cannot open its state.
pub async fn run(settings: Settings) -> Result<()> {
    let mut signals = Signals::new()?;
    let _pidfile = PidFile::take(&settings.pidfile)?;
    let stop_file = StopFile::watch(settings.stop_file.clone());
    for remark in &settings.remarks {
        tracing::warn!("{remark}");
    }
    let transport = &settings.transport;
    let secured = transport.tls.as_ref().map(server_config).transpose();
    let secured = secured.context("invalid TLS configuration")?;
    tokio::select! {
        () = warn_of_open_sockets(transport) => {}
        reason = signals.ending() => {
            tracing::info!("{reason}: not starting");
            return Ok(());
        }
    }
    let opened = open_sockets(transport, secured.as_ref()).await;
    let (listeners, files) = opened.context("failed to load listeners")?;
    let opened = Engine::open(settings.engine.clone()).await;
    let engine = opened.context("failed to start daemon")?;
    let current = Arc::new(Current::new(&settings, engine.cgroupns_mode()));
    let (stopper, stop) = Stopper::new();
    let thrift = Thrift::default();
    let api = Arc::new(Api::new(engine.clone(), Arc::clone(&current)));
    let mut served = serve(listeners, &api, &thrift, &stop);
    if let Some(address) = &settings.metrics {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("failed to serve metrics on {address}"))?;
        let info = engine.info().await.context("failed to serve metrics")?;
        let metrics = Arc::new(Metrics::new(engine.clone(), Arc::clone(api.actions()), &info));
        served.spawn(accept(
            Listener::Tcp(listener, None),
            metrics,
            thrift.clone(),
            stop.clone(),
        ));
    }
    tracing::info!(version = crate::release::ANNOUNCED, "daemon is ready");
    notify("READY=1");
    let thrifty = tokio::spawn(thrift.run());
    let reason = until_end(&mut signals, &current, &api).await;
    tracing::info!("{reason}: shutting down");
    notify("STOPPING=1");
    drop(files);
    // The accept loops end on this, and connections after their request in progress.
    stopper.stop();
    thrifty.abort();
    let ends = !engine.containers_outlive() || stop_file.is_there();
    tokio::select! {
        () = finish(&mut served, current.live().shutdown_limit(), &engine, ends) => {}
        again = signals.ending() => tracing::warn!("{again} again: ending at once"),
    }
    Ok(())
}

/// Does what signals ask for until one asks to end; its name.
async fn until_end(signals: &mut Signals, current: &Current, api: &Api) -> &'static str {
    loop {
        match signals.next().await {
            Wanted::End(name) => return name,
            Wanted::Reload => current.reload(api.engine()),
            Wanted::Dump => api.write_report().await,
        }
    }
}

/// Ends the containers if they end too, waits for the requests in progress, within a limit, and ends the engine.
async fn finish(served: &mut JoinSet<()>, limit: Duration, engine: &Engine, containers_end: bool) {
    if containers_end {
        let patience = engine
            .ending_limit(limit)
            .map_or(EXTENSION_LIMIT, |ending| ending + limit);
        notify(&format!(
            "EXTEND_TIMEOUT_USEC={}",
            patience.min(EXTENSION_LIMIT).as_micros()
        ));
        engine.end_containers(limit).await;
    }
    let finished = async { while served.join_next().await.is_some() {} };
    if tokio::time::timeout(limit, finished).await.is_err() {
        tracing::warn!("requests are still in progress after {limit:?}: ending anyway");
    }
    engine.shutdown().await;
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
                Ok(client) => {
                    connections.spawn(serve_client(Arc::clone(&handler), client, for_connections.clone()));
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

/// Serves one client, behind its handshake if it needs one.
async fn serve_client<H: Handler>(handler: Arc<H>, client: Client, stop: Stop) {
    match client {
        Client::Plain(socket) => {
            serve_connection(handler, socket, stop).await;
        }
        Client::Encrypted(socket, config) => {
            let from = socket
                .peer_addr()
                .map_or_else(|_| "a client".to_owned(), |address| address.to_string());
            match secure(socket, config).await {
                Ok(secured) => {
                    let (socket, pump) = secured.into_parts();
                    let handed_on = serve_connection(handler, Socket::Unix(socket), stop.clone()).await;
                    finish_secured(pump, handed_on, stop).await;
                }
                Err(error) => tracing::warn!("http: TLS handshake error from {from}: {error}"),
            }
        }
    }
}
