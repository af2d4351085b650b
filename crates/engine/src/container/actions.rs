//! What clients ask of a container that exists: each is a message to its owner, and Docker's words
//! around a refusal.

use std::time::Duration;

use corten_api::container::{EndpointSettings, UpdateBody};
use corten_shim::protocol::{Request, Target};
use tokio::sync::oneshot;

use super::owner::{Answer, Message};
use super::phase::Stopping;
use super::{Container, signal};
use crate::core::Core;
use crate::error::{Error, ErrorKind, Result};
use crate::request::{RemoveOptions, StopOptions, TerminalSize};

async fn ask(container: &Container, message: impl FnOnce(Answer) -> Message) -> Result<()> {
    let (answer, answered) = oneshot::channel();
    container.tell(message(answer)).await?;
    answered.await.map_err(|_gone| container.gone())?
}

/// `error` with `text` in front, its kind kept.
fn wrap(error: Error, text: &str) -> Error {
    if error.kind == ErrorKind::NotModified {
        return error;
    }
    Error {
        kind: error.kind,
        message: format!("{text}: {}", error.message),
    }
}

/// Starts it.
pub(crate) async fn start(core: &Core, reference: &str) -> Result<()> {
    ask(&*core.containers.find(reference)?, Message::Start).await
}

/// Stops it, or stops and starts it.
pub(crate) async fn stop(core: &Core, reference: &str, options: StopOptions, then: Stopping) -> Result<()> {
    let container = core.containers.find(reference)?;
    let verb = match then {
        Stopping::StartAgain => "restart",
        Stopping::Stay | Stopping::WithEngine | Stopping::Remove => "stop",
    };
    let refused = |error| match then {
        Stopping::StartAgain => wrap(error, &format!("Cannot {verb} container {reference}")),
        Stopping::Stay | Stopping::WithEngine | Stopping::Remove => {
            wrap(error, &format!("cannot {verb} container: {reference}"))
        }
    };
    let (signal, timeout) =
        stop_settings(core, &container, options.signal.as_deref(), options.timeout_seconds).map_err(refused)?;
    let asked = ask(&container, |answer| Message::Stop {
        signal,
        timeout,
        then,
        answer,
    })
    .await;
    asked.map_err(refused)
}

/// Gives it another name.
pub(crate) async fn rename(core: &Core, reference: &str, name: &str) -> Result<()> {
    if reference.is_empty() || name.is_empty() {
        return Err(Error::invalid("Neither old nor new names may be empty"));
    }
    let (container, name) = (core.containers.find(reference)?, name.to_owned());
    ask(&container, |answer| Message::Rename { name, answer }).await
}

/// Gives it other limits, or another restart policy; returns warnings.
pub(crate) async fn update(core: &Core, reference: &str, mut update: UpdateBody) -> Result<Vec<String>> {
    super::change::check(&update, super::create::limits(core))?;
    super::create::check_cpusets(&update.cpuset_cpus, &update.cpuset_mems)?;
    let mut warnings = Vec::new();
    if update.blkio_weight != 0 && !super::block_io::has_weight(&core.host) {
        update.blkio_weight = 0;
        warnings.push(super::block_io::NO_WEIGHT.to_owned());
    }
    let (container, update) = (core.containers.find(reference)?, Box::new(update));
    ask(&container, |answer| Message::Update { update, answer }).await?;
    Ok(warnings)
}

/// Freezes its processes.
pub(crate) async fn pause(core: &Core, reference: &str) -> Result<()> {
    ask(&*core.containers.find(reference)?, Message::Pause).await
}

/// Lets them go on.
pub(crate) async fn unpause(core: &Core, reference: &str) -> Result<()> {
    ask(&*core.containers.find(reference)?, Message::Unpause).await
}

/// The signal and the patience for a stop: the request's, else the container's, else the engine's.
pub(crate) fn stop_settings(
    core: &Core,
    container: &Container,
    signal: Option<&str>,
    timeout_seconds: Option<i64>,
) -> Result<(i32, Option<Duration>)> {
    let config = &container.effective.config;
    let own = (!config.stop_signal.is_empty()).then_some(config.stop_signal.as_str());
    let signal = match signal.filter(|text| !text.is_empty()).or(own) {
        Some(text) => signal::parse(text)?,
        None => signal::SIGTERM,
    };
    let seconds = timeout_seconds
        .or(config.stop_timeout)
        .unwrap_or(core.config.stop_timeout_seconds);
    // Negative: wait for ever.
    Ok((signal, u64::try_from(seconds).ok().map(Duration::from_secs)))
}

/// Puts it on one more network.
pub(crate) async fn connect_network(
    core: &Core,
    network: &str,
    reference: &str,
    settings: EndpointSettings,
) -> Result<()> {
    let container = core.containers.find(reference)?;
    if crate::network::builtin(core, network).is_none() {
        core.networks.find(network)?;
    }
    let (network, settings) = (network.to_owned(), Box::new(settings));
    ask(&container, |answer| Message::Connect {
        network,
        settings,
        answer,
    })
    .await
}

/// Takes it off a network. `force` speaks of an endpoint where the container is gone.
pub(crate) async fn disconnect_network(core: &Core, network: &str, reference: &str, force: bool) -> Result<()> {
    if crate::network::builtin(core, network).is_none() {
        core.networks.find(network)?;
    }
    let found = core.containers.find(reference);
    let container = found.map_err(|error| {
        if force {
            Error::not_found(format!("endpoint {reference} not found"))
        } else {
            error
        }
    })?;
    let network = network.to_owned();
    ask(&container, |answer| Message::Disconnect { network, answer }).await
}

/// How long a killed container may take to end: the kernel may have to finish what a process waits for.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// Sends a signal; for SIGKILL waits until the container has ended.
pub(crate) async fn kill(core: &Core, reference: &str, text: Option<&str>) -> Result<()> {
    let found = core.containers.find(reference);
    let container = found.map_err(|error| wrap(error, &format!("cannot kill container: {reference}")))?;
    let signal = match text.filter(|text| !text.is_empty()) {
        Some(text) => {
            signal::parse_sent(text).map_err(|error| wrap(error, &format!("cannot kill container: {reference}")))?
        }
        None => super::phase::SIGKILL,
    };
    let config = &container.effective.config;
    let ends = match config.stop_signal.as_str() {
        "" => true,
        own => signal == super::phase::SIGKILL || signal::parse(own).is_ok_and(|own| own == signal),
    };
    let exits = container.look().exits;
    let asked = ask(&container, |answer| Message::Kill { signal, ends, answer }).await;
    asked.map_err(|error| wrap(error, &format!("cannot kill container: {reference}")))?;
    if signal == super::phase::SIGKILL {
        let mut view = container.view.clone();
        let over = view.wait_for(|view| view.exits != exits || view.life.phase.running().is_none());
        // Gone is as good as ended.
        if tokio::time::timeout(KILL_LIMIT, over).await.is_err() {
            return Err(Error::internal(format!(
                "cannot kill container: {reference}: tried to kill container, but did not receive an exit event"
            )));
        }
    }
    Ok(())
}

/// Removes it.
pub(crate) async fn remove(core: &Core, reference: &str, options: RemoveOptions) -> Result<()> {
    let container = core.containers.find(reference)?;
    if options.link {
        return remove_link(core, reference).await;
    }
    let RemoveOptions { volumes, force, .. } = options;
    let asked = ask(&container, |answer| Message::Remove { force, volumes, answer }).await;
    asked.map_err(|error| {
        if error.kind == ErrorKind::Conflict && error.message.starts_with("container is ") {
            return wrap(error, &format!("cannot remove container \"{reference}\""));
        }
        error
    })
}

/// Removes the link `parent/alias`.
async fn remove_link(core: &Core, reference: &str) -> Result<()> {
    let name = reference.strip_prefix('/').unwrap_or(reference);
    let (parent, alias) = name
        .split_once('/')
        .ok_or_else(|| Error::internal("Conflict, cannot remove the default link name of the container"))?;
    let parent = core.containers.find(parent)?;
    let alias = alias.to_owned();
    ask(&parent, |answer| Message::Unlink { alias, answer }).await
}

/// Sets the size of its terminal.
pub(crate) async fn resize(core: &Core, reference: &str, size: TerminalSize) -> Result<()> {
    let container = core.containers.find(reference)?;
    let id = &container.id;
    let shim = container
        .shim()
        .ok_or_else(|| Error::conflict(format!("container {id} is not running")))?;
    let request = Request::Resize {
        target: Target::Container,
        rows: size.rows,
        columns: size.columns,
    };
    shim.ask(request, Vec::new())
        .await
        .map_err(|error| Error::internal(error.to_string()))?;
    let attributes = [("height", size.rows.to_string()), ("width", size.columns.to_string())];
    let subject = crate::event::Subject::Container(&container);
    core.events
        .publish(subject, "resize", &attributes, corten_base::Timestamp::now());
    Ok(())
}
