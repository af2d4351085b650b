//! Commands about contexts. None of them speaks to an engine.

mod choose;
mod create;
mod export;
mod import;
mod inspect;
mod ls;
mod rm;
mod show;
mod update;

use crate::context::Store;
use crate::verb::{Group, Invocation};

pub(super) const GROUP: Group = Group {
    name: "context",
    about: "Manage contexts",
    verbs: &[
        &create::VERB,
        &export::VERB,
        &import::VERB,
        &inspect::VERB,
        &ls::VERB,
        &rm::VERB,
        &show::VERB,
        &update::VERB,
        &choose::VERB,
    ],
};

/// The user's contexts.
fn store(invocation: &Invocation) -> Store {
    Store::new(&crate::config::directory(invocation.globals.config.as_deref()))
}
