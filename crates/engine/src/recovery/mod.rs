//! The engine's start: what is on disk, in the run directory and in the kernel is compared, and made one.
//!
//! [`decide`] is pure: from what was found of one container to what has to be done. [`observe`] looks,
//! [`execute`] does, [`renew`]
//! puts new programs in the place of old ones. Effects are made to be repeated: a daemon that dies here starts over.

pub mod decide;
mod execute;
mod leftovers;
mod networks;
mod observe;
mod renew;

pub(crate) use execute::recover;
pub(crate) use leftovers::{clear_run, remove_cgroup_parent, remove_parent_group, running};
