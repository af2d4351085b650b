//! Commands about networks.

pub(super) mod prune;

use crate::verb::Group;

pub(super) const GROUP: Group = Group {
    name: "network",
    about: "Manage networks",
    verbs: &[&prune::VERB],
};
