//! How a container ended, asked for beside its session.
//!
//! An attached session outlives the engine's process, because it is held by the container's keeper; the
//! question how the container ended is answered by the engine. When the engine goes away in between, the
//! question is asked again as soon as there is one, long before the container ends, so that the end of a
//! container with `--rm` is not missed either.

use std::sync::Arc;
use std::time::Duration;

use corten_api::container::WaitResponse;
use corten_client::{CallError, Client, WaitCondition, Waiter};
use tokio::task::JoinHandle;

use super::Patience;
use crate::failure::{ENGINE_FAILED, Failure};

/// The end of output reaches us a moment before the engine has recorded the end of the command.
const LOOKS: u32 = 100;
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// The answer that is on its way.
#[derive(Debug)]
pub(crate) struct Ending(JoinHandle<Result<WaitResponse, Failure>>);

impl Ending {
    /// Asks; returns when the engine has the question.
    pub(crate) async fn ask(client: &Arc<Client>, container: &str, condition: WaitCondition) -> Result<Self, Failure> {
        let first = client.wait_container(container, condition).await?;
        let (client, container) = (Arc::clone(client), container.to_owned());
        Ok(Self(tokio::spawn(async move {
            let (answer, was_away) = answer(&client, &container, condition, first).await;
            match answer {
                Err(error) if was_away && error.is_not_found() => Err(Failure::new(format!(
                    "the engine was away when container {container} ended; its exit code is not known"
                ))
                .code(ENGINE_FAILED)),
                answer => answer.map_err(Failure::from),
            }
        })))
    }

    /// Waits for the answer: success if the container's exit code is 0.
    pub(crate) async fn outcome(self) -> Result<(), Failure> {
        let ended = self.0.await.map_err(|error| Failure::new(error.to_string()))??;
        if let Some(error) = ended.error {
            return Err(Failure::new(format!("error waiting for container: {}", error.message)).code(ENGINE_FAILED));
        }
        match u8::try_from(ended.status_code & 0xff).unwrap_or(ENGINE_FAILED) {
            0 => Ok(()),
            code => Err(Failure::silent(code)),
        }
    }
}

/// The end of a container, asked for again where the engine goes away meanwhile.
pub(crate) async fn end(client: &Client, container: &str, condition: WaitCondition) -> Result<WaitResponse, CallError> {
    let first = client.wait_container(container, condition).await?;
    answer(client, container, condition, first).await.0
}

/// The answer to a question that the engine has, and whether it had to be asked again.
async fn answer(
    client: &Client,
    container: &str,
    condition: WaitCondition,
    first: Waiter,
) -> (Result<WaitResponse, CallError>, bool) {
    let mut answer = first.finished().await;
    let mut patience = Patience::quiet();
    loop {
        let error = match answer {
            Err(error) => error,
            answer => return (answer, patience.was_needed()),
        };
        if let Err(error) = patience.after(error).await {
            return (Err(error), patience.was_needed());
        }
        answer = match client.wait_container(container, condition.after_restart()).await {
            Ok(waiter) => waiter.finished().await,
            Err(error) => Err(error),
        };
    }
}

/// The exit code of an exec session whose output has ended. A command that goes on without its output
/// counts as successful, as it does for Docker.
pub(crate) async fn exec_code(client: &Client, id: &str) -> Result<u8, Failure> {
    let mut patience = Patience::quiet();
    let mut looks = 0;
    loop {
        match client.inspect_exec(id).await {
            Ok(exec) if exec.running && looks < LOOKS => {
                looks += 1;
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Ok(exec) => return Ok(u8::try_from(exec.exit_code.unwrap_or(0) & 0xff).unwrap_or(1)),
            Err(error) => patience.after(error).await?,
        }
    }
}
