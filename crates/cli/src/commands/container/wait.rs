//! `wait`: blocks until containers have stopped, then prints their exit codes.

use corten_client::WaitCondition;

use super::each::each;
use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::stream::end;
use crate::verb::{Arguments, Invocation, Verb};

pub(super) const VERB: Verb = Verb {
    names: &["wait"],
    shortcut: Some("wait"),
    usage: "CONTAINER [CONTAINER...]",
    about: "Block until one or more containers stop, then print their exit codes",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[],
        interspersed: true,
    },
    run: wait,
};

fn wait(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    each(invocation, &parsed.arguments, |client, name| async move {
        let ended = end(&client, &name, WaitCondition::NotRunning).await?;
        Ok(ended.status_code.to_string())
    })
}
