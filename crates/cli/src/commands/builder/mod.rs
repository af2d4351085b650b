//! Commands about the builder.

pub(super) mod prune;

use crate::verb::Group;

pub(super) const GROUP: Group = Group {
    name: "builder",
    about: "Manage builds",
    verbs: &[&prune::VERB],
};
