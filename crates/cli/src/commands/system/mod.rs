//! Commands about the engine, and those that have no noun.

mod df;
mod dial_stdio;
mod events;
mod info;
pub(super) mod inspect;
mod prune;
mod version;

use crate::verb::Group;

pub(super) const GROUP: Group = Group {
    name: "system",
    about: "Manage the engine",
    verbs: &[&df::VERB, &dial_stdio::VERB, &events::VERB, &info::VERB, &prune::VERB],
};

pub(super) const BARE: Group = Group {
    name: "",
    about: "",
    verbs: &[&inspect::VERB, &version::VERB],
};
