//! `stop`: ends containers, politely first.

use corten_client::StopOptions;

use super::each::each;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::verb::{Arguments, Invocation, Verb};

pub(super) const FLAGS: &[Flag] = &[
    Flag::new("signal", Kind::Text, "Signal to send instead of the container's own").short('s'),
    Flag::new("time", Kind::Integer, "").hidden(),
    Flag::new("timeout", Kind::Integer, "Seconds to wait before the end by force")
        .short('t')
        .default("0"),
];

pub(super) const VERB: Verb = Verb {
    names: &["stop"],
    shortcut: Some("stop"),
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Stop one or more running containers",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: stop,
};

fn stop(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let options = options(parsed);
    each(invocation, &parsed.arguments, |client, name| {
        let options = options.clone();
        async move { client.stop_container(&name, &options).await.map(|()| name) }
    })
}

/// Signal and timeout as given; `--time` is the timeout's old name.
pub(super) fn options(parsed: &Parsed) -> StopOptions {
    StopOptions {
        signal: parsed.text_or_empty("signal"),
        timeout_seconds: parsed.integer("timeout").or_else(|| parsed.integer("time")),
    }
}
