//! After an upgrade: keepers that execute an older program are asked to execute the present one in their own
//! place. Their containers, clients, logs and exec sessions do not notice.
//!
//! Which program a keeper executes is told by its file: an upgrade puts a new file in the old one's place. A keeper
//! that cannot be renewed goes on as it is, and is asked again at the engine's next start.

use std::sync::Arc;
use std::time::Duration;

use corten_shim::protocol::Request;
use corten_shim::spawn;
use tokio::sync::Semaphore;

use crate::container::Container;
use crate::core::{Core, blocking};
use crate::error::{Error, Result};

/// How many are renewed at once: each executes two programs, and nobody waits for it.
const SIDE_BY_SIDE: usize = 4;

/// How long one may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Renews those of the keepers (with their pids) that need it.
pub(super) async fn renew(core: Arc<Core>, keepers: Vec<(Arc<Container>, u32)>) {
    let places = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    for (container, pid) in keepers {
        let (core, places) = (Arc::clone(&core), Arc::clone(&places));
        tokio::spawn(async move {
            let _place = places.acquire().await;
            match renew_one(&core, &container, pid).await {
                Ok(true) => tracing::info!(
                    container = container.id.short(),
                    pid,
                    "a keeper executes the new program"
                ),
                Ok(false) => {}
                Err(error) => {
                    let container = container.id.short();
                    tracing::warn!(container, pid, %error, "a keeper goes on with its older program");
                }
            }
        });
    }
}

/// False if there is nothing to do: it executes the present program, or its container has ended.
async fn renew_one(core: &Arc<Core>, container: &Container, pid: u32) -> Result<bool> {
    let program = blocking(core, move |core| {
        let failed = |error| Error::caused("look at the keeper's program", error);
        if spawn::executes(pid, &core.config.shim).map_err(failed)? {
            return Ok(None);
        }
        let path = spawn::path_for_others(&core.config.shim);
        path.map(Some)
            .map_err(|error| Error::caused("open the keeper's program", error))
    })
    .await?;
    let (Some(program), Some(shim)) = (program, container.shim()) else {
        return Ok(false);
    };
    let renewed = tokio::time::timeout(LIMIT, shim.ask(Request::Upgrade { program }, Vec::new())).await;
    match renewed {
        Ok(Ok(())) => Ok(true),
        Ok(Err(_)) if container.look().life.phase.running().is_none() => Ok(false),
        Ok(Err(error)) => Err(Error::internal(error.to_string())),
        Err(_late) => Err(Error::internal(format!("no answer within {LIMIT:?}"))),
    }
}
