//! What the overlay filesystem of this kernel can do.

use rustix::mount::{FsOpenFlags, fsconfig_set_flag, fsconfig_set_string, fsopen};

/// Whether layers can be given one by one (`lowerdir+`, Linux 6.7).
///
/// Before 6.5 overlay takes any parameter and looks at it only when it is mounted, so a parameter
/// that no kernel has is tried as well. Nothing is mounted, and the kernel log stays empty.
#[must_use]
pub fn takes_layers_one_by_one() -> bool {
    let Ok(context) = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC) else {
        return false;
    };
    fsconfig_set_flag(&context, "corten-probe").is_err() && fsconfig_set_string(&context, "lowerdir+", "/").is_ok()
}
