//! Commands about images.

mod history;
mod import;
mod inspect;
mod load;
pub(super) mod ls;
pub(super) mod prune;
mod pull;
mod push;
mod rm;
mod save;
mod tag;

use crate::verb::Group;

pub(super) const GROUP: Group = Group {
    name: "image",
    about: "Manage images",
    verbs: &[
        &history::VERB,
        &import::VERB,
        &inspect::VERB,
        &load::VERB,
        &ls::VERB,
        &ls::SHORTCUT,
        &prune::VERB,
        &pull::VERB,
        &push::VERB,
        &rm::VERB,
        &rm::SHORTCUT,
        &save::VERB,
        &tag::VERB,
    ],
};
