//! Commands that serve the shell and the manual.

mod completion;
mod man;

use crate::verb::Group;

pub(super) const GROUP: Group = Group {
    name: "",
    about: "",
    verbs: &[&completion::VERB, &man::VERB],
};
