//! Commands about networks.

mod address_plan;
mod connect;
mod create;
mod disconnect;
mod inspect;
mod ls;
pub(super) mod prune;
mod rm;

use crate::verb::Group;

pub(super) const GROUP: Group = Group {
    name: "network",
    about: "Manage networks",
    verbs: &[
        &connect::VERB,
        &create::VERB,
        &disconnect::VERB,
        &inspect::VERB,
        &ls::VERB,
        &prune::VERB,
        &rm::VERB,
    ],
};
