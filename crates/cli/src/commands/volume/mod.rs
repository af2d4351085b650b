//! Commands about volumes.

pub(super) mod prune;

use crate::verb::Group;

pub(super) const GROUP: Group = Group {
    name: "volume",
    about: "Manage volumes",
    verbs: &[&prune::VERB],
};
