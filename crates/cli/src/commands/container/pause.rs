//! `pause` and `unpause`: freeze and thaw containers.

use super::each::each;
use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb};

const RULES: Rules = Rules {
    tables: &[],
    interspersed: true,
};

pub(super) const PAUSE: Verb = Verb {
    names: &["pause"],
    shortcut: Some("pause"),
    usage: "CONTAINER [CONTAINER...]",
    about: "Pause all processes within one or more containers",
    arguments: Arguments::AtLeast(1),
    rules: RULES,
    run: pause,
};

pub(super) const UNPAUSE: Verb = Verb {
    names: &["unpause"],
    shortcut: Some("unpause"),
    usage: "CONTAINER [CONTAINER...]",
    about: "Unpause all processes within one or more containers",
    arguments: Arguments::AtLeast(1),
    rules: RULES,
    run: unpause,
};

fn pause(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    each(invocation, &parsed.arguments, |client, name| async move {
        client.pause_container(&name).await.map(|()| name)
    })
}

fn unpause(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    each(invocation, &parsed.arguments, |client, name| async move {
        client.unpause_container(&name).await.map(|()| name)
    })
}
