//! Commands about containers.

mod attach;
mod create;
mod each;
mod exec;
mod inspect;
mod kill;
mod logs;
mod ls;
mod make;
mod pause;
mod port;
mod rename;
mod restart;
mod rm;
mod run;
mod start;
mod stop;
mod wait;

use crate::verb::Group;

pub(super) const GROUP: Group = Group {
    name: "container",
    about: "Manage containers",
    verbs: &[
        &attach::VERB,
        &create::VERB,
        &exec::VERB,
        &inspect::VERB,
        &kill::VERB,
        &logs::VERB,
        &ls::VERB,
        &pause::PAUSE,
        &pause::UNPAUSE,
        &port::VERB,
        &rename::VERB,
        &restart::VERB,
        &rm::VERB,
        &run::VERB,
        &start::VERB,
        &stop::VERB,
        &wait::VERB,
    ],
};
