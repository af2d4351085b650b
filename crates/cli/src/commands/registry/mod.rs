//! Commands about registries.

mod login;
mod logout;
mod search;

use crate::verb::Group;

pub(super) const GROUP: Group = Group {
    name: "",
    about: "",
    verbs: &[&login::VERB, &logout::VERB, &search::VERB],
};
