//! Capability sets: bounded before the identity changes, put in force after it.

use corten_sys::capability as sys;

use crate::failure::{Context, CreateError};
use crate::plan::Capabilities;

/// Drops everything outside the bounding set and keeps the rest across the change of user.
pub(super) fn bound(capabilities: &Capabilities) -> Result<(), CreateError> {
    sys::limit_bounding_set(capabilities.bounding).internal(|| "drop capabilities of the bounding set")?;
    rustix::thread::set_keep_capabilities(true).internal(|| "keep capabilities")
}

/// Puts the effective set in force but keeps everything permitted: access is judged as the program's will be,
/// and a filter can still be loaded.
pub(super) fn rehearse(capabilities: &Capabilities) -> Result<(), CreateError> {
    let permitted = sys::get().internal(|| "get capabilities")?.permitted;
    let sets = sys::Sets {
        effective: capabilities.effective & permitted,
        permitted,
        inheritable: 0,
    };
    sys::set(&sets).internal(|| "set effective capabilities")
}

/// Makes everything that is permitted effective again.
pub(super) fn raise() -> Result<(), CreateError> {
    let permitted = sys::get().internal(|| "get capabilities")?.permitted;
    sys::set(&sys::Sets {
        effective: permitted,
        permitted,
        inheritable: 0,
    })
    .internal(|| "raise capabilities")
}

/// Puts the sets in force.
pub(super) fn apply(capabilities: &Capabilities) -> Result<(), CreateError> {
    rustix::thread::set_keep_capabilities(false).internal(|| "stop keeping capabilities")?;
    let sets = sys::Sets {
        effective: capabilities.effective,
        permitted: capabilities.permitted,
        inheritable: capabilities.inheritable,
    };
    sys::set(&sets).internal(|| "set capabilities")?;
    // The kernel takes into the ambient set only what is permitted and inheritable; Docker ignores the rest.
    let ambient = capabilities.ambient & capabilities.permitted & capabilities.inheritable;
    sys::set_ambient(ambient).internal(|| "set ambient capabilities")
}
