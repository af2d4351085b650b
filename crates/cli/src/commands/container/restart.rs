//! `restart`: stops and starts containers.

use super::each::each;
use super::stop::{FLAGS, options};
use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb};

pub(super) const VERB: Verb = Verb {
    names: &["restart"],
    shortcut: Some("restart"),
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Restart one or more containers",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: restart,
};

fn restart(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let options = options(parsed);
    each(invocation, &parsed.arguments, |client, name| {
        let options = options.clone();
        async move { client.restart_container(&name, &options).await.map(|()| name) }
    })
}
