//! Carrying out what was decided: all containers side by side, then the network, then leftovers.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use corten_base::{ContainerId, Timestamp};
use corten_shim::protocol::Request;
use corten_sys::fault::boundary;
use tokio::task::JoinSet;

use super::decide::{Decision, RunDecision, Situation, Then, decide};
use super::observe::{Contact, Observed, observe};
use super::{leftovers, networks};
use crate::container::change::Changes;
use crate::container::effective::effective;
use crate::container::links::{self, Allotment};
use crate::container::owner::{Message, Ongoing, Origin, rewire, spawn, wire};
use crate::container::phase::{Ended, Life, Phase, Stopping};
use crate::container::record::{self, Record, StateRecord};
use crate::container::restart::RestartPolicy;
use crate::container::run::{Joined, RunRecord};
use crate::container::{Container, create, shared_memory, stop, wiring};
use crate::core::{Core, blocking};
use crate::error::{Error, Result};
use crate::exec::registry::Session;
use crate::network::registry::Member;
use crate::shim::ShimProcess;

/// How long the exit code of a container that is removed here is told: twice as long as clients look for an engine.
const DEPARTED_KEPT: Duration = Duration::from_mins(2);

/// One container after its recovery.
struct Recovered {
    container: Arc<Container>,
    then: Then,
    joined: Vec<Joined>,
    /// The keeper of a run that goes on.
    keeper: Option<u32>,
}

/// Brings everything that is found into one consistent state.
pub(crate) async fn recover(core: &Arc<Core>) -> Result<()> {
    let ids = blocking(core, leftovers::container_ids).await?;
    let mut tasks = JoinSet::new();
    for id in ids {
        tasks.spawn(recover_one(Arc::clone(core), id));
    }
    let mut recovered = Vec::new();
    while let Some(task) = tasks.join_next().await {
        match task {
            Ok(Ok(container)) => recovered.extend(container),
            Ok(Err(error)) => tracing::error!(%error, "a container is not recovered"),
            Err(error) => tracing::error!(%error, "the recovery of a container ended early"),
        }
    }
    let running = recovered.iter().flat_map(|one| {
        let container = &one.container;
        let id = || container.id.to_string();
        one.joined
            .iter()
            .map(move |joined| (id(), wire::member(container, joined)))
    });
    let running: Vec<(String, Member)> = running.collect();
    blocking(core, move |core| {
        boundary("recover.network");
        networks::recover(core, running)?;
        let swept = core.volumes.sweep();
        swept.map_err(|error| Error::caused("unmount volumes that nobody uses", error))?;
        let swept = shared_memory::sweep(core);
        swept.map_err(|error| Error::caused("unmount shared memory that nobody uses", error))?;
        boundary("recover.leftovers");
        leftovers::remove(core)
    })
    .await?;
    tokio::spawn(leftovers::sweep_cgroups(Arc::clone(core)));
    let keepers = recovered.iter();
    let keepers = keepers.filter_map(|one| Some((Arc::clone(&one.container), one.keeper?)));
    super::renew::renew(Arc::clone(core), keepers.collect()).await;
    keep_exit_codes(core, &recovered);
    // Clients are not served before containers are down that should be, as in Docker.
    let mut stops = tokio::task::JoinSet::new();
    for one in recovered {
        if one.then == Then::Stop {
            stops.spawn(afterwards(Arc::clone(core), one));
        } else {
            tokio::spawn(afterwards(Arc::clone(core), one));
        }
    }
    stops.join_all().await;
    Ok(())
}

/// Tells the exit codes of containers that are about to be removed for a while.
fn keep_exit_codes(core: &Arc<Core>, recovered: &[Recovered]) {
    let mut departing = recovered.iter().filter(|one| one.then == Then::Remove).peekable();
    if departing.peek().is_none() {
        return;
    }
    departing.for_each(|one| core.remember_departed(&one.container));
    let core = Arc::clone(core);
    tokio::spawn(async move {
        tokio::time::sleep(DEPARTED_KEPT).await;
        core.forget_departed();
    });
}

async fn recover_one(core: Arc<Core>, id: ContainerId) -> Result<Option<Recovered>> {
    let observed = match observe(&core, id.clone()).await {
        Ok(observed) => observed,
        Err(error) => return unreadable(&core, id, error).await.map(Some),
    };
    let Some(observed) = observed else {
        return blocking(&core, move |core| {
            boundary("recover.undo-creation");
            let anonymous = record::read(&core.container_directory(&id).join(record::CREATING));
            create::undo_parts(core, &id, anonymous.ok().flatten().unwrap_or_default());
            Ok(None)
        })
        .await;
    };
    let situation = Situation {
        live_restore: core.config.live_restore,
        now: Timestamp::now(),
    };
    let decision = decide(&observed.found, situation);
    let name = observed.changes.name.as_ref().unwrap_or(&observed.record.name);
    core.containers.reserve(name, &id)?;
    if observed.creating {
        finish_creation(&core, &id).await?;
    }
    let then = decision.then;
    let keeper = observed.shim.as_ref().and_then(|contact| contact.state.as_ref());
    let keeper = keeper
        .map(|state| state.shim_pid)
        .filter(|_| decision.run == RunDecision::Adopt);
    let state = observed.shim.as_ref().and_then(|contact| contact.state.as_ref());
    let out_of_memory = state.is_some_and(|state| state.out_of_memory);
    let ended_execs = observed.ended_execs.clone();
    let (origin, execs) = settle(&core, observed, decision).await?;
    core.volumes.remember(&id, &origin.record.mounts);
    if origin.run.is_some() && origin.record.mounts.iter().any(|mount| !mount.volume.is_empty()) {
        let (id, mounts) = (id.clone(), origin.record.mounts.clone());
        blocking(&core, move |core| {
            core.volumes.hold_again(&id, &mounts);
            Ok(())
        })
        .await?;
    }
    let mut origin = origin;
    let mut strays = Vec::new();
    if let Some(run) = &mut origin.run {
        strays = drop_strays(&core, &origin.record, run).await?;
    }
    let stale = origin
        .run
        .as_ref()
        .map(|run| run.shim.clone())
        .filter(|_| !strays.is_empty());
    let joined = origin.run.as_ref().map(|run| run.record.endpoints.clone());
    let container = spawn(&core, origin);
    core.containers.insert(Arc::clone(&container));
    if out_of_memory
        && container
            .look()
            .life
            .phase
            .running()
            .is_some_and(|running| !running.out_of_memory)
    {
        // While no daemon was there.
        drop(container.tell(Message::OutOfMemory).await);
    }
    limit_again(&core, &container).await;
    crate::commit::pause::resume(&core, &container).await;
    crate::network::link::adopted(&core, &container);
    if let (Some(shim), Some(run)) = (stale, container.look().run.clone())
        && let Err(error) = rewire::mend(&core, &container, &shim, run, &strays).await
    {
        tracing::error!(container = container.id.short(), %error, "a container's inside is not mended");
    }
    for (exec, pid) in execs {
        let config = crate::exec::recorded_config(&core, &container, &exec);
        core.execs
            .insert(Arc::new(Session::adopted(exec, Arc::clone(&container), config, pid)));
    }
    for (exec, code) in ended_execs {
        let config = crate::exec::recorded_config(&core, &container, &exec);
        let session = Session::adopted(exec, Arc::clone(&container), config, 0);
        session.end(code);
        core.execs.insert(Arc::new(session));
    }
    Ok(Some(Recovered {
        container,
        then,
        joined: joined.unwrap_or_default(),
        keeper,
    }))
}

/// A container whose files cannot be read is shown as dead: all that can be done is to remove it, which is for its
/// owner to decide. Its run, if there is one, goes on untouched until then.
async fn unreadable(core: &Arc<Core>, id: ContainerId, error: Error) -> Result<Recovered> {
    let name = format!("damaged_{}", id.short());
    tracing::error!(
        container = id.short(), %error,
        "a container's files are damaged: it is listed as dead; `rm -f {name}` removes it"
    );
    core.containers.reserve(&name, &id)?;
    let run_directory = core.run_directory(&id);
    let run = blocking(core, move |_core| Ok(RunRecord::read(&run_directory).ok().flatten())).await?;
    let ended = Ended {
        error: error.to_string(),
        ..Ended::default()
    };
    let origin = Origin {
        record: Record::unreadable(id, name),
        changes: Changes::default(),
        health: None,
        life: Life {
            phase: Phase::Dead(Some(ended)),
            ..Life::created(RestartPolicy::No, false)
        },
        run: None,
    };
    let container = spawn(core, origin);
    core.containers.insert(Arc::clone(&container));
    Ok(Recovered {
        container,
        then: Then::Keep,
        joined: run.map(|run| run.endpoints).unwrap_or_default(),
        keeper: None,
    })
}

/// An update that the last daemon recorded and did not live to carry out.
async fn limit_again(core: &Arc<Core>, container: &Arc<Container>) {
    let view = container.look();
    let (Some(run), Some(_)) = (view.run.clone(), &container.changes().limits) else {
        return;
    };
    let host = container.host_now();
    let limited = blocking(core, move |_core| crate::container::spec::limit(&run.cgroup, &host));
    if let Err(error) = limited.await {
        tracing::error!(container = container.id.short(), %error, "the limits of an update are not in force");
    }
}

/// The record is there, so the creation counts: the list of what it was making is not needed any more.
async fn finish_creation(core: &Arc<Core>, id: &ContainerId) -> Result<()> {
    let path = core.container_directory(id).join(record::CREATING);
    blocking(core, move |_core| {
        drop(fs::remove_file(path));
        Ok(())
    })
    .await
}

/// Takes places away that nobody asks for: connections that were cut short, and disconnections.
async fn drop_strays(core: &Arc<Core>, record: &Record, run: &mut Ongoing) -> Result<Vec<Joined>> {
    let asked = record.networks.clone().unwrap_or_else(|| wiring::asked(record));
    let strays = wire::strays(core, &run.record, &asked);
    if strays.is_empty() {
        return Ok(strays);
    }
    let mut kept = RunRecord::clone(&run.record);
    kept.endpoints.retain(|joined| !strays.contains(joined));
    let (record, gone) = (record.clone(), strays.clone());
    let kept = blocking(core, move |core| {
        boundary("recover.strays");
        links::release(core, record.id.as_str(), &gone)?;
        let allotment = Allotment {
            name: record.name.clone(),
            effective: &effective(&record, &core.config, &core.host),
            held: &kept.held,
            reserve: false,
        };
        allotment.allot(core, &mut kept.endpoints)?;
        let written = kept.write(&core.run_directory(&record.id));
        written.map_err(|error| Error::caused("record the run", error))?;
        Ok(kept)
    })
    .await?;
    run.record = Arc::new(kept);
    Ok(strays)
}

type Execs = Vec<(corten_base::ExecId, u32)>;

/// Does what was decided about the run, and records what was decided about the life.
async fn settle(core: &Arc<Core>, observed: Observed, decision: Decision) -> Result<(Origin, Execs)> {
    let Observed {
        record,
        changes,
        health,
        run,
        shim,
        ..
    } = observed;
    let id = record.id.clone();
    let mut execs = Vec::new();
    let run = match (decision.run, shim) {
        (RunDecision::Adopt, Some(contact)) => {
            execs = contact
                .state
                .as_ref()
                .map(|state| state.execs.clone())
                .unwrap_or_default();
            adopted(contact, run)
        }
        (RunDecision::Clear, contact) => {
            clear(core, &record, contact, run).await?;
            None
        }
        (RunDecision::Adopt | RunDecision::Nothing, _) => None,
    };
    if decision.persist && !decision.life.auto_remove {
        let (state, directory) = (StateRecord::of(&decision.life), core.container_directory(&id));
        blocking(core, move |_core| {
            boundary("recover.state");
            state
                .write(&directory)
                .map_err(|error| Error::caused("write state.json", error))?;
            if !state.running {
                drop(fs::remove_file(directory.join(record::EXIT)));
            }
            Ok(())
        })
        .await?;
    }
    Ok((
        Origin {
            record,
            changes,
            health,
            life: decision.life,
            run,
        },
        execs,
    ))
}

fn adopted(contact: Contact, run: Option<crate::container::run::RunRecord>) -> Option<Ongoing> {
    let process = ShimProcess::adopted(contact.state?.shim_pid)?;
    let record = Arc::new(run.unwrap_or_default());
    Some(Ongoing {
        record,
        shim: contact.handle,
        news: contact.news,
        process,
    })
}

/// Lets the shim go, or kills it if it is in no state to be let go, and clears its run away.
async fn clear(
    core: &Arc<Core>,
    record: &Record,
    contact: Option<Contact>,
    run: Option<crate::container::run::RunRecord>,
) -> Result<()> {
    if let Some(contact) = contact {
        let process = contact.pid.and_then(ShimProcess::adopted);
        let released = contact.handle.ask(Request::Release, Vec::new());
        let released = tokio::time::timeout(stop::RELEASE_LIMIT, released).await;
        if let Some(process) = process {
            if !matches!(released, Ok(Ok(()))) {
                process.kill();
            }
            process
                .ended()
                .await
                .map_err(|error| Error::caused("wait for a shim", error))?;
        }
    }
    let (directory, record) = (core.run_directory(&record.id), record.clone());
    blocking(core, move |core| {
        boundary("recover.clear");
        if let Some(run) = &run {
            let effective = effective(&record, &core.config, &core.host);
            crate::network::files::keep(core, &record, &effective, run);
            stop::clear_cgroups(run);
            // A link too many is less than a container that is lost.
            if let Err(error) = stop::release_network(core, &record.id, run) {
                tracing::error!(container = record.id.short(), %error, "the network of an ended container is not released");
            }
        }
        boundary("recover.cleared");
        drop(fs::remove_dir_all(directory));
        Ok(())
    })
    .await
}

async fn afterwards(core: Arc<Core>, recovered: Recovered) {
    let container = recovered.container;
    // Only now that its shim is of our version: older ones do not move compressed files along.
    crate::logs::compress::ask(&core, &container);
    let sent = match recovered.then {
        Then::Keep => Ok(()),
        Then::Start => container.tell(Message::Revive).await,
        Then::Remove => {
            let (answer, _) = tokio::sync::oneshot::channel();
            container
                .tell(Message::Remove {
                    force: true,
                    volumes: true,
                    answer,
                })
                .await
        }
        Then::Stop => stop_and_restart(&core, &container).await,
    };
    if let Err(error) = sent {
        tracing::error!(container = container.id.short(), %error, "recovery is not complete");
    }
}

async fn stop_and_restart(core: &Core, container: &Container) -> Result<()> {
    let (signal, timeout) = crate::container::actions::stop_settings(core, container, None, None)?;
    let (answer, answered) = tokio::sync::oneshot::channel();
    container
        .tell(Message::Stop {
            signal,
            timeout,
            then: Stopping::Stay,
            answer,
        })
        .await?;
    drop(answered.await);
    match container.look().life.policy {
        crate::container::restart::RestartPolicy::Always | crate::container::restart::RestartPolicy::UnlessStopped => {
            container.tell(Message::Revive).await
        }
        crate::container::restart::RestartPolicy::No | crate::container::restart::RestartPolicy::OnFailure { .. } => {
            Ok(())
        }
    }
}
