//! Removing a volume that no container uses.

use corten_base::Timestamp;
use corten_sys::fault::boundary;

use super::missing;
use super::store::{SetAside, delete};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::event::Subject;

/// Removes it; `force`: none of that name is no error.
pub(crate) fn remove(core: &Core, name: &str, force: bool) -> Result<()> {
    if core.volumes.read(name)?.is_none() {
        return if force { Ok(()) } else { Err(missing(name)) };
    }
    boundary("volume.remove");
    match core.volumes.set_aside(name)? {
        SetAside::Gone(aside) => {
            boundary("volume.removed");
            delete(&aside).map_err(|error| Error::caused(format!("remove {name}"), error))?;
            publish_destroy(core, name);
            Ok(())
        }
        SetAside::Missing if force => Ok(()),
        SetAside::Missing => Err(missing(name)),
        SetAside::Used(users) => Err(Error::conflict(format!(
            "remove {name}: volume is in use - [{}]",
            users.join(", ")
        ))),
    }
}

/// Tells that a volume is no more.
pub(crate) fn publish_destroy(core: &Core, name: &str) {
    let attributes = [("driver", "local".to_owned())];
    core.events
        .publish(Subject::Volume(name), "destroy", &attributes, Timestamp::now());
}
