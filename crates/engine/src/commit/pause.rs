//! The pause while a container's files are read, by the owner that everybody pauses by. `commit` in its run directory
//! says so before it begins, and a daemon that finds the file lets the container go on ([`resume`]).

use std::path::PathBuf;
use std::sync::Arc;

use corten_sys::fault::boundary;

use crate::container::phase::Phase;
use crate::container::{Container, actions};
use crate::core::{Core, blocking};
use crate::error::{Error, ErrorKind, Result};

/// Stands in the run directory while a commit has the container paused.
const MARK: &str = "commit";

fn mark(core: &Core, container: &Container) -> PathBuf {
    core.run_directory(&container.id).join(MARK)
}

/// Returns whether it was paused by this: it does not if it does not run, or is paused already.
pub(super) async fn pause(core: &Arc<Core>, container: &Arc<Container>) -> Result<bool> {
    if !matches!(container.look().life.phase, Phase::Running(_)) {
        return Ok(false);
    }
    let own = Arc::clone(container);
    let marked = blocking(core, move |core| {
        let path = mark(core, &own);
        match std::fs::write(&path, "") {
            Ok(()) => Ok(true),
            // It ended meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::caused(format!("write {}", path.display()), error)),
        }
    });
    if !marked.await? {
        return Ok(false);
    }
    boundary("commit.pause");
    let paused = actions::pause(core, container.id.as_str()).await;
    boundary("commit.paused");
    match paused {
        Ok(()) => Ok(true),
        Err(error) => {
            forget(core, container).await;
            // It ended or was paused by somebody else meanwhile.
            let meanwhile = matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound);
            if meanwhile { Ok(false) } else { Err(error) }
        }
    }
}

/// Ends the pause; one that somebody else has ended is over.
pub(super) async fn go_on(core: &Arc<Core>, container: &Arc<Container>) {
    boundary("commit.unpause");
    if let Err(error) = actions::unpause(core, container.id.as_str()).await {
        tracing::warn!(container = container.id.short(), %error, "a container was not paused any more after its commit");
    }
    boundary("commit.unpaused");
    forget(core, container).await;
}

async fn forget(core: &Arc<Core>, container: &Arc<Container>) {
    let own = Arc::clone(container);
    let removed = blocking(core, move |core| {
        // It may have gone with the run directory.
        drop(std::fs::remove_file(mark(core, &own)));
        Ok(())
    });
    drop(removed.await);
}

/// Lets a container go on that an earlier daemon had paused for a commit.
pub(crate) async fn resume(core: &Arc<Core>, container: &Arc<Container>) {
    let view = container.look();
    if view.life.phase.running().is_none() || !mark(core, container).exists() {
        return;
    }
    match view.life.phase {
        Phase::Paused(_) => go_on(core, container).await,
        _ => forget(core, container).await,
    }
}
