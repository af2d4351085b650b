//! Waiting for a container's end, by its published views: a waiter costs nothing while nothing happens.

use std::sync::Arc;

use corten_api::container::{WaitError, WaitResponse};
use tokio::sync::watch;

use super::farewell::Awaiter;
use super::phase::Phase;
use super::{Container, View};
use crate::request::WaitCondition;

/// A wait that has begun: what happened since then counts.
#[derive(Debug)]
pub struct WaitTicket {
    view: watch::Receiver<Arc<View>>,
    condition: WaitCondition,
    exits: u64,
    /// Says that the removal is waited for.
    _awaiter: Option<Awaiter>,
}

impl WaitTicket {
    pub(crate) fn new(container: &Container, condition: WaitCondition) -> Self {
        let view = container.view.clone();
        let exits = view.borrow().exits;
        Self {
            view,
            condition,
            exits,
            _awaiter: (condition == WaitCondition::Removed).then(|| container.farewell.join()),
        }
    }

    /// Waits until the condition holds.
    pub async fn finished(mut self) -> WaitResponse {
        let (condition, exits) = (self.condition, self.exits);
        // If the owner has ended the engine closes, or the last view says that the container is removed.
        drop(self.view.wait_for(|view| holds(condition, exits, view)).await);
        response(&self.view.borrow())
    }
}

fn holds(condition: WaitCondition, exits: u64, view: &View) -> bool {
    let idle = view.life.phase.running().is_none() && !matches!(view.life.phase, Phase::Restarting(_));
    match condition {
        WaitCondition::NotRunning => idle || view.exits != exits,
        WaitCondition::NextExit => view.exits != exits || view.removed,
        WaitCondition::Removed => view.removed,
    }
}

fn response(view: &View) -> WaitResponse {
    let (code, error) = match &view.life.phase {
        Phase::Created(Some(failure)) => (failure.code, failure.message.as_str()),
        phase => phase
            .ended()
            .map_or((0, ""), |ended| (ended.code, ended.error.as_str())),
    };
    let error = (!error.is_empty()).then(|| WaitError {
        message: error.to_owned(),
    });
    WaitResponse {
        error,
        status_code: i64::from(code),
    }
}
