//! `top`: the processes of a container.

use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::output;
use crate::text::table::Table;
use crate::verb::{Arguments, Invocation, Verb, block_on};

pub(super) const VERB: Verb = Verb {
    names: &["top"],
    shortcut: Some("top"),
    usage: "CONTAINER [ps OPTIONS]",
    about: "Display the running processes of a container",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[],
        interspersed: false,
    },
    run: top,
};

/// Narrowest column, as in Docker's table of processes.
const NARROWEST: usize = 20;

fn top(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let client = invocation.client()?;
    let (name, ps_args) = (&parsed.arguments[0], parsed.arguments[1..].join(" "));
    let top = block_on(async { Ok(client.top_container(name, &ps_args).await?) })?;
    let mut table = Table::with_narrowest(NARROWEST);
    table.row(top.titles.into_vec());
    for process in top.processes {
        table.row(process.into_vec());
    }
    output::print(&table.render())
}
