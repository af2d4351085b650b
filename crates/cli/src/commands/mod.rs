//! Every command, one file each, grouped by noun.

mod container;
mod context;
mod image;
mod system;

use crate::verb::Group;

/// All commands. The group without a name holds those that have no noun.
pub(crate) const GROUPS: &[Group] = &[
    container::GROUP,
    context::GROUP,
    image::GROUP,
    system::GROUP,
    system::BARE,
];
