//! Commands about containers.

mod attach;
mod commit;
pub(super) mod cp;
mod create;
mod diff;
mod each;
mod exec;
pub(super) mod export;
mod inspect;
mod kill;
mod logs;
pub(super) mod ls;
mod make;
mod pause;
mod port;
pub(super) mod prune;
mod rename;
mod restart;
mod rm;
mod run;
mod start;
mod stats;
mod stop;
mod top;
mod update;
mod wait;

use crate::verb::Group;

pub(super) const GROUP: Group = Group {
    name: "container",
    about: "Manage containers",
    verbs: &[
        &attach::VERB,
        &commit::VERB,
        &cp::VERB,
        &create::VERB,
        &diff::VERB,
        &exec::VERB,
        &export::VERB,
        &inspect::VERB,
        &kill::VERB,
        &logs::VERB,
        &ls::VERB,
        &pause::PAUSE,
        &pause::UNPAUSE,
        &port::VERB,
        &prune::VERB,
        &rename::VERB,
        &restart::VERB,
        &rm::VERB,
        &run::VERB,
        &start::VERB,
        &stats::VERB,
        &stop::VERB,
        &top::VERB,
        &update::VERB,
        &wait::VERB,
    ],
};
