//! The task that owns one container: takes messages one after the other, asks [`phase::step`] what they
//! mean, and carries the effects out in order. Nobody else starts, stops or removes the container.
//!
//! A long stop does not block it: the deadline is a timer, and the caller's answer waits in a list until
//! the container has ended.

mod change;
mod forward;
mod freeze;
mod hearing;
mod persist;
mod publish;
mod refuse;
mod remove;
pub(crate) mod rewire;
mod signal;
pub(crate) mod wire;

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use corten_api::container::{EndpointSettings, UpdateBody};
use corten_shim::protocol::{self, Target};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::change::Changes;
use super::clients::Clients;
use super::effective::effective;
use super::farewell::Farewell;
use super::phase::{self, Effect, Event, Life, Phase, Stopping};
use super::record::Record;
use super::run::RunRecord;
use super::{Container, MAILBOX_LIMIT, View};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::health::{HealthRecord, Monitor};
use crate::logs::forward::Forwarder;
use crate::shim::{News, ShimHandle, ShimProcess};
use crate::tally::Counted;

/// What an owner is told.
pub(crate) enum Message {
    /// Start it.
    Start(Answer),
    /// Stop or restart it.
    Stop {
        signal: i32,
        timeout: Option<Duration>,
        then: Stopping,
        answer: Answer,
    },
    /// Send it a signal.
    Kill { signal: i32, ends: bool, answer: Answer },
    /// Remove it, with its anonymous volumes.
    Remove { force: bool, volumes: bool, answer: Answer },
    /// Give it another name.
    Rename { name: String, answer: Answer },
    /// Remove the link that the container calls so.
    Unlink { alias: String, answer: Answer },
    /// Give it other limits.
    Update { update: Box<UpdateBody>, answer: Answer },
    /// Freeze its processes.
    Pause(Answer),
    /// Let them go on.
    Unpause(Answer),
    /// Put it on one more network.
    Connect {
        network: String,
        settings: Box<EndpointSettings>,
        answer: Answer,
    },
    /// Take it off a network.
    Disconnect { network: String, answer: Answer },
    /// Start it because its policy says so at the daemon's start.
    Revive,
    /// Its memory has run out.
    OutOfMemory,
}

/// Where the result of a message goes.
pub(crate) type Answer = oneshot::Sender<Result<()>>;

/// What an owner starts from.
pub(crate) struct Origin {
    pub(crate) record: Record,
    pub(crate) changes: Changes,
    /// What an earlier daemon knew of its health.
    pub(crate) health: Option<HealthRecord>,
    pub(crate) life: Life,
    /// The run that goes on.
    pub(crate) run: Option<Ongoing>,
}

/// A run and the connection to its shim.
pub(crate) struct Ongoing {
    pub(crate) record: Arc<RunRecord>,
    pub(crate) shim: ShimHandle,
    pub(crate) news: mpsc::Receiver<News>,
    pub(crate) process: ShimProcess,
}

/// Makes the shared container and starts its owner. The container is not in the registry yet.
pub(crate) fn spawn(core: &Arc<Core>, origin: Origin) -> Arc<Container> {
    let (mailbox, messages) = mpsc::channel(MAILBOX_LIMIT);
    let run = origin.run.as_ref().map(|run| Arc::clone(&run.record));
    let view = View {
        life: origin.life.clone(),
        run,
        exits: 0,
        removed: false,
    };
    let (publisher, receiver) = watch::channel(Arc::new(view));
    let holds = effective(&origin.record, &core.config, &core.host);
    let mut origin = origin;
    let asked = super::wiring::asked(&origin.record);
    origin.record.forget_request();
    let wiring = origin.record.networks.take();
    let clients = Clients::new(origin.run.as_ref().map(|run| run.shim.clone()));
    let health = crate::health::Keeper::new(&holds.config, origin.health.take());
    let container = Container {
        gate: crate::files::Gate::default(),
        health,
        id: origin.record.id.clone(),
        record: origin.record,
        effective: holds,
        mailbox,
        view: receiver,
        clients,
        farewell: Farewell::new(),
        changes: RwLock::new(Arc::new(origin.changes)),
        wiring: RwLock::new(Arc::new(wiring.unwrap_or(asked))),
        listed: super::list::Kept::default(),
    };
    let container = Arc::new(container);
    let owner = Owner {
        counted: Counted::new(&core.tally, &origin.life.phase),
        core: Arc::clone(core),
        container: Arc::clone(&container),
        life: origin.life,
        run: origin.run,
        messages,
        publisher,
        exits: 0,
        timer: None,
        waiting: Vec::new(),
        releasing: None,
        remove_volumes: false,
        failure: None,
        removed: false,
        monitor: None,
        forwarder: None,
    };
    tokio::spawn(owner.run());
    container
}

pub(crate) struct Owner {
    pub(super) core: Arc<Core>,
    pub(super) container: Arc<Container>,
    pub(super) life: Life,
    pub(super) run: Option<Ongoing>,
    messages: mpsc::Receiver<Message>,
    publisher: watch::Sender<Arc<View>>,
    exits: u64,
    timer: Option<Timer>,
    waiting: Vec<Waiting>,
    /// The last run's shim, still cleaning up; the next start waits for it.
    pub(super) releasing: Option<tokio::task::JoinHandle<()>>,
    pub(super) remove_volumes: bool,
    /// Why the last start or removal failed.
    failure: Option<Error>,
    removed: bool,
    /// Its health checks, while there are any to make.
    monitor: Option<Monitor>,
    /// Its log on the way to a server, if its driver sends it on.
    forwarder: Option<Forwarder>,
    counted: Counted,
}

#[derive(Clone, Copy)]
struct Timer {
    at: Instant,
    kind: TimerKind,
}

#[derive(Clone, Copy, PartialEq)]
enum TimerKind {
    Stop,
    Restart,
}

/// A caller whose answer comes when the container is so far.
struct Waiting {
    until: Stopping,
    answer: Answer,
}

impl Owner {
    async fn run(mut self) {
        self.adjust_monitor();
        self.resume_log().await;
        if matches!(self.life.phase, Phase::Restarting(_)) {
            self.arm(self.life.delay, TimerKind::Restart);
        }
        while !self.removed {
            let timer = self.timer;
            tokio::select! {
                message = self.messages.recv() => match message {
                    // Boxed: while it only waits, an owner is small.
                    Some(message) => Box::pin(self.handle(message)).await,
                    None => return,
                },
                news = next_news(&mut self.run) => Box::pin(self.hear(news)).await,
                () = sleep_until(timer) => {
                    self.timer = None;
                    if timer.is_some_and(|timer| timer.kind == TimerKind::Restart) && self.is_closing() {
                        continue;
                    }
                    let event = match timer.map(|timer| timer.kind) {
                        Some(TimerKind::Restart) => Event::RestartDue,
                        Some(TimerKind::Stop) | None => Event::StopDeadline,
                    };
                    drop(Box::pin(self.apply(event)).await);
                }
            }
        }
    }

    async fn handle(&mut self, message: Message) {
        match message {
            Message::Start(answer) => {
                let result = self.apply(Event::Start).await;
                self.answer_now(result, answer);
            }
            Message::Stop {
                signal,
                timeout,
                then,
                answer,
            } => {
                let deaf = self.deaf(signal);
                let result = self.apply(Event::Stop { signal, timeout, then }).await;
                self.insist(deaf, signal, hearing::STOP_LOOKS);
                self.answer_when(result, then, answer);
            }
            Message::Kill { signal, ends, answer } => {
                let deaf = self.deaf(signal);
                let result = self.apply(Event::Kill { signal, ends }).await;
                self.insist(deaf, signal, hearing::KILL_LOOKS);
                reply(answer, result);
            }
            Message::Remove { force, volumes, answer } => {
                self.remove_volumes |= volumes;
                let result = self.apply(Event::Remove { force }).await;
                self.answer_when(result, Stopping::Remove, answer);
            }
            Message::Rename { name, answer } => reply(answer, self.rename(&name).await),
            Message::Unlink { alias, answer } => reply(answer, self.unlink(alias).await),
            Message::Update { update, answer } => reply(answer, self.update(&update).await),
            Message::Pause(answer) => {
                let result = self.apply(Event::Pause).await;
                self.answer_now(result, answer);
            }
            Message::Unpause(answer) => {
                let result = self.apply(Event::Unpause).await;
                self.answer_now(result, answer);
            }
            Message::Connect {
                network,
                settings,
                answer,
            } => {
                let result = self.connect_network(network, *settings).await;
                reply(answer, result);
            }
            Message::Disconnect { network, answer } => {
                let result = self.disconnect_network(network).await;
                reply(answer, result);
            }
            Message::Revive => drop(self.apply(Event::Start).await),
            Message::OutOfMemory => drop(self.apply(Event::OutOfMemory).await),
        }
    }

    /// Answers with what came of it.
    fn answer_now(&self, result: Result<()>, answer: Answer) {
        reply(answer, result.and_then(|()| self.failure.clone().map_or(Ok(()), Err)));
    }

    /// Answers at once if it failed or is so far, else when it is.
    fn answer_when(&mut self, result: Result<()>, until: Stopping, answer: Answer) {
        match result {
            Err(error) => reply(answer, Err(error)),
            Ok(()) => {
                self.waiting.push(Waiting { until, answer });
                self.answer_waiting();
            }
        }
    }

    fn answer_waiting(&mut self) {
        let stopping = self.life.phase.running().and_then(|running| running.stopping);
        let failure = self.failure.clone();
        let (done, waiting) =
            std::mem::take(&mut self.waiting)
                .into_iter()
                .partition(|waiting: &Waiting| match waiting.until {
                    Stopping::Stay | Stopping::WithEngine => self.life.phase.running().is_none() || stopping.is_none(),
                    Stopping::StartAgain => stopping.is_none(),
                    Stopping::Remove => self.removed || failure.is_some(),
                });
        self.waiting = waiting;
        for Waiting { until, answer } in done {
            let result = match (&failure, until) {
                (Some(error), Stopping::StartAgain | Stopping::Remove) => Err(error.clone()),
                (Some(_), Stopping::Stay | Stopping::WithEngine) | (None, _) => Ok(()),
            };
            reply(answer, result);
        }
    }

    async fn hear(&mut self, news: News) {
        match news {
            News::Event(protocol::Event::Exited(exit)) => {
                let protocol::Exit {
                    code,
                    at,
                    out_of_memory,
                } = exit;
                drop(
                    self.apply(Event::Exited {
                        code,
                        at,
                        out_of_memory,
                    })
                    .await,
                );
            }
            News::Event(protocol::Event::ExecExited { exec, exit }) => {
                crate::exec::ended(&self.core, &self.container, &exec, exit.code);
            }
            News::Event(protocol::Event::Detached { target }) => match target {
                Target::Container => self.publish_event("detach", &[]),
                Target::Exec(exec) => self.publish_event("exec_detach", &[("execID", exec.to_string())]),
            },
            News::Event(protocol::Event::OutOfMemory) => drop(self.apply(Event::OutOfMemory).await),
            News::Event(protocol::Event::NamespaceReady { .. }) => {}
            News::Event(protocol::Event::LogRotated) => crate::logs::compress::ask(&self.core, &self.container),
            News::Gone => self.shim_gone().await,
        }
    }

    /// The shim ended without saying how the container did.
    async fn shim_gone(&mut self) {
        if self.life.phase.running().is_none() {
            self.run = None;
            return;
        }
        let exit = self.exit_after_shim().await;
        drop(
            self.apply(Event::Exited {
                code: exit.code,
                at: exit.at,
                out_of_memory: exit.out_of_memory,
            })
            .await,
        );
    }

    /// Asks what `event` means and does it. The error says why it means nothing now.
    pub(super) async fn apply(&mut self, event: Event) -> Result<()> {
        let (life, effects) = phase::step(&self.life, event).map_err(|refusal| self.refused(refusal))?;
        self.life = life;
        self.failure = None;
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            self.perform(effect, &mut effects).await;
        }
        self.adjust_monitor();
        self.publish();
        self.answer_waiting();
        Ok(())
    }

    fn adjust_monitor(&mut self) {
        Monitor::adjust(&mut self.monitor, &self.core, &self.container, &self.life.phase);
    }

    async fn perform(&mut self, effect: Effect, rest: &mut VecDeque<Effect>) {
        match effect {
            Effect::Start => self.perform_start(rest).await,
            Effect::Signal(signal) => self.signal(signal).await,
            Effect::ArmStop(after) => self.arm(after, TimerKind::Stop),
            Effect::ArmRestart(after) if self.is_closing() => {
                tracing::debug!(?after, "the engine is closing, no restart");
            }
            Effect::ArmRestart(after) => self.arm(after, TimerKind::Restart),
            Effect::DisarmStop | Effect::DisarmRestart => self.timer = None,
            Effect::TearDown => self.tear_down().await,
            Effect::Freeze => self.perform_freeze(rest).await,
            Effect::Thaw => self.perform_thaw(rest).await,
            Effect::Persist => self.persist().await,
            Effect::Publish(action) => {
                self.adjust_monitor();
                self.publish();
                self.publish_action(action);
            }
            Effect::Remove => self.perform_remove(rest).await,
            Effect::Release => self.release(),
        }
    }

    async fn perform_start(&mut self, rest: &mut VecDeque<Effect>) {
        let _closed = self.container.gate.close().await;
        let event = match self.start().await {
            Ok(started) => Event::Started {
                pid: started.pid,
                at: started.at,
            },
            Err(failure) => {
                // What was to follow a good start does not.
                rest.clear();
                self.failure = Some(failure.error);
                // Who waits for the next end waits for this one.
                self.count_exit();
                Event::StartFailed(failure.outcome)
            }
        };
        self.follow(event, rest);
    }

    /// Takes what an effect resulted in as the next event, before the remaining effects.
    fn follow(&mut self, event: Event, rest: &mut VecDeque<Effect>) {
        match phase::step(&self.life, event) {
            Ok((life, effects)) => {
                self.life = life;
                for effect in effects.into_iter().rev() {
                    rest.push_front(effect);
                }
            }
            Err(refusal) => tracing::error!(?refusal, "the result of an effect does not fit the phase"),
        }
    }

    /// Policies start nothing any more; the next engine does.
    fn is_closing(&self) -> bool {
        self.core.closing.load(Ordering::Relaxed)
    }

    fn arm(&mut self, after: Duration, kind: TimerKind) {
        // A time that no clock will show never comes.
        let Some(at) = Instant::now().checked_add(after) else {
            return;
        };
        // The earlier deadline of two stops counts.
        if self.timer.is_none_or(|timer| timer.kind != kind || at < timer.at) {
            self.timer = Some(Timer { at, kind });
        }
    }

    /// One more run, or the attempt at one, is over: those who wait for the next end are told with the next publication.
    pub(super) fn count_exit(&mut self) {
        self.exits += 1;
    }
}

fn reply(answer: Answer, result: Result<()>) {
    // A caller that went away does not want it.
    drop(answer.send(result));
}

async fn next_news(run: &mut Option<Ongoing>) -> News {
    match run {
        Some(run) => run.news.recv().await.unwrap_or(News::Gone),
        None => std::future::pending().await,
    }
}

async fn sleep_until(timer: Option<Timer>) {
    match timer {
        Some(timer) => tokio::time::sleep_until(timer.at).await,
        None => std::future::pending().await,
    }
}
