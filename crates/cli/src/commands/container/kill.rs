//! `kill`: sends containers a signal.

use super::each::each;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb};

const FLAGS: &[Flag] = &[Flag::new("signal", Kind::Text, "Signal to send").short('s')];

pub(super) const VERB: Verb = Verb {
    names: &["kill"],
    shortcut: Some("kill"),
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Kill one or more running containers",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: kill,
};

fn kill(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let signal = parsed.text_or_empty("signal");
    each(invocation, &parsed.arguments, |client, name| {
        let signal = signal.clone();
        async move { client.kill_container(&name, &signal).await.map(|()| name) }
    })
}
