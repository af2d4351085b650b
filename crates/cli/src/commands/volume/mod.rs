//! Commands about volumes.

mod clone;
mod cp;
mod create;
mod export;
mod import;
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
        &clone::VERB,
        &cp::VERB,
        &create::VERB,
        &export::VERB,
        &import::VERB,
        &inspect::VERB,
        &ls::VERB,
        &prune::VERB,
        &rm::VERB,
        &update::VERB,
    ],
};
