//! Commands about images.

mod history;
mod import;
mod inspect;
mod load;
mod ls;
mod pull;
mod rm;
mod save;
mod tag;
mod upload;

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
        &pull::VERB,
        &rm::VERB,
        &rm::SHORTCUT,
        &save::VERB,
        &tag::VERB,
    ],
};
