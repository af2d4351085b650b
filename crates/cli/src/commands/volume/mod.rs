//! Commands about volumes.

mod create;
mod inspect;
pub(super) mod ls;
pub(super) mod prune;
mod rm;
mod update;

use crate::verb::Group;

pub(super) const GROUP: Group = Group {
    name: "volume",
    about: "Manage volumes",
    verbs: &[
        &create::VERB,
        &inspect::VERB,
        &ls::VERB,
        &prune::VERB,
        &rm::VERB,
        &update::VERB,
    ],
};
