//! One call for each of the named containers, side by side; names are printed in the order given.

use std::sync::Arc;

use corten_client::{CallError, Client};
use tokio::sync::Semaphore;

use crate::failure::Failure;
use crate::output;
use crate::verb::{Invocation, block_on};

/// Calls that are under way at once, as many as dockerd is sent by its own client.
const PARALLEL: usize = 50;

/// Calls `act` for every name and prints what it returns.
pub(super) fn each<F>(
    invocation: &Invocation,
    names: &[String],
    act: impl Fn(Arc<Client>, String) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<String, CallError>> + Send + 'static,
{
    let client = Arc::new(invocation.client()?);
    block_on(async {
        client.negotiate().await?;
        let slots = Arc::new(Semaphore::new(PARALLEL));
        let calls: Vec<_> = names
            .iter()
            .map(|name| {
                let (call, slots) = (act(Arc::clone(&client), name.clone()), Arc::clone(&slots));
                tokio::spawn(async move {
                    let _slot = slots.acquire_owned().await.ok();
                    call.await
                })
            })
            .collect();
        let mut errors = Vec::new();
        for call in calls {
            match call.await.map_err(|error| Failure::new(error.to_string()))? {
                Ok(text) => output::line(&text)?,
                Err(error) => errors.push(error.to_string()),
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Failure::new(errors.join("\n")))
        }
    })
}
