//! The part of a start that blocks: the shim is spawned while the rest is prepared. It cannot be interrupted, so
//! it runs in a task of its own: when the start has been given up meanwhile (its limit is over), the task undoes
//! what it has made as soon as it has it. The next start waits for the task.

use std::future::Future;
use std::sync::Arc;

use corten_shim::spawn::Spawned;
use corten_sys::fault::boundary;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Container;
use super::namespaces::Shared;
use super::start::{Prepared, Undo, prepare};
use crate::core::{Core, blocking};
use crate::error::{Error, Result};
use crate::shim::ShimProcess;

/// What the two have made, each for itself.
pub(super) struct Early {
    pub(super) spawned: Result<Spawned>,
    pub(super) prepared: Result<Prepared>,
}

/// Begins with both. The receiver is told when they are through.
pub(super) fn begin(
    core: &Arc<Core>,
    container: &Arc<Container>,
    shared: Shared,
) -> (JoinHandle<()>, oneshot::Receiver<Early>) {
    let (for_undo, of_undo) = (Arc::clone(core), Arc::clone(container));
    let work = work(Arc::clone(core), Arc::clone(container), shared);
    hand_over(work, async move |early: Early| {
        tracing::warn!(container = of_undo.id.short(), "a start that was given up is undone");
        early.undo().run(&for_undo, &of_undo).await;
    })
}

async fn work(core: Arc<Core>, container: Arc<Container>, shared: Shared) -> Early {
    let network = shared.network.clone();
    let own = Arc::clone(&container);
    // The network namespace, which the kernel needs a while for, is made while the rest is prepared.
    let spawned = blocking(&core, move |core| {
        boundary("start.shim");
        let directory = core.run_directory(&own.id);
        let spawned = corten_shim::spawn::spawn_into(&core.config.shim, &directory, &network);
        boundary("start.shim-spawned");
        spawned.map_err(|error| Error::caused("failed to start the container's keeper", error))
    });
    let prepared = blocking(&core, move |core| prepare(core, &container, shared, None));
    let (spawned, prepared) = tokio::join!(spawned, prepared);
    Early { spawned, prepared }
}

impl Early {
    fn undo(self) -> Undo {
        let shim = self.spawned.ok().map(|spawned| ShimProcess::spawned(spawned.pidfd));
        Undo {
            run_directory: true,
            lease: self.prepared.map(|prepared| prepared.run.endpoints).unwrap_or_default(),
            shim: shim.map(|process| (None, process)),
            run: None,
        }
    }
}

/// Does the work in a task that nobody has to wait for; its result is undone if nobody does.
fn hand_over<T: Send + 'static, U>(
    work: impl Future<Output = T> + Send + 'static,
    undo: impl FnOnce(T) -> U + Send + 'static,
) -> (JoinHandle<()>, oneshot::Receiver<T>)
where
    U: Future<Output = ()> + Send,
{
    let (sender, receiver) = oneshot::channel();
    let task = tokio::spawn(async move {
        if let Err(unwanted) = sender.send(work.await) {
            undo(unwanted).await;
        }
    });
    (task, receiver)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_is_undone() {
        let (undone, told) = oneshot::channel();
        let (finish, finished) = oneshot::channel::<u32>();
        let (task, receiver) = hand_over(async { finished.await.expect("a number") }, async |number| {
            undone.send(number).expect("somebody listens");
        });
        drop(receiver);
        finish.send(7).expect("the work goes on without us");
        task.await.expect("the task ends");
        assert_eq!(told.await, Ok(7));
    }

    #[tokio::test]
    async fn what_is_waited_for_is_not() {
        let (task, receiver) = hand_over(async { 7 }, async |_number| panic!("undone"));
        assert_eq!(receiver.await, Ok(7));
        task.await.expect("the task ends");
    }
}
