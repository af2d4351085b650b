//! `create`: makes a container and prints its id.

use super::make::Order;
use crate::container_config::{FLAGS, refuse_foreign};
use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on};

pub(super) const VERB: Verb = Verb {
    names: &["create"],
    shortcut: Some("create"),
    usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    about: "Create a new container",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: false,
    },
    run: create,
};

fn create(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    refuse_foreign(parsed).map_err(|error| Failure::new(error.to_string()))?;
    let order = Order::new(invocation, parsed).map_err(|failure| invocation.with_help(failure, "create"))?;
    let client = invocation.client()?;
    let id = block_on(order.make(&client))?;
    output::line(&id)
}
