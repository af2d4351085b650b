//! Patience with an engine that goes away: it may only be restarted, and containers live on meanwhile.

use std::time::Duration;

use corten_client::CallError;

use crate::speech;

/// How long an engine may be away before it is given up, in tries. With the pause between them: a minute,
/// several times as long as a restart with hundreds of containers takes.
const TRIES: u32 = 600;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// Tries after which the user is told why nothing moves.
const SILENT_TRIES: u32 = 20;

/// How often an engine that went away was asked again.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    tries: u32,
    told: bool,
}

impl Patience {
    /// Says nothing: beside a session that goes on without the engine there is nothing to be told.
    pub(crate) fn quiet() -> Self {
        Self { tries: 0, told: true }
    }

    /// Pauses after `error`, so that the question can be asked again; gives the error back if that is of no use.
    pub(crate) async fn after(&mut self, error: CallError) -> Result<(), CallError> {
        if !error.is_lost() || self.tries >= TRIES {
            return Err(error);
        }
        self.tries += 1;
        if self.tries > SILENT_TRIES && !self.told {
            self.told = true;
            speech::tell("the engine went away; waiting up to a minute for it to come back");
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }

    /// The engine is there again: the next time it may be away as long.
    pub(crate) fn renew(&mut self) {
        self.tries = 0;
    }

    /// Whether the engine had to be asked again.
    pub(crate) fn was_needed(&self) -> bool {
        self.tries > 0
    }
}
