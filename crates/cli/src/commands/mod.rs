//! Every command, one file each, grouped by noun.

mod builder;
mod container;
mod context;
mod image;
mod network;
mod registry;
mod shell;
mod system;
mod volume;

use crate::verb::Group;

/// All commands. The group without a name holds those that have no noun.
pub(crate) const GROUPS: &[Group] = &[
    builder::GROUP,
    container::GROUP,
    context::GROUP,
    image::GROUP,
    network::GROUP,
    system::GROUP,
    volume::GROUP,
    system::BARE,
    registry::GROUP,
    shell::GROUP,
];
