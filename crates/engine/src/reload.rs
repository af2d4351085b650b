//! Settings that change while the engine runs, and the event that tells of it.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use corten_base::Timestamp;

use crate::core::Core;
use crate::event::Subject;
use crate::network::files::host_name;
use crate::{Config, Engine};

/// What a reload changes; where everybody looks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changing {
    /// Labels of the engine itself.
    pub(crate) labels: Vec<String>,
    /// Containers keep running when the daemon ends.
    pub(crate) live_restore: bool,
}

impl Changing {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            labels: config.labels.clone(),
            live_restore: config.live_restore,
        }
    }
}

impl Core {
    /// The settings as they are now.
    pub(crate) fn changing(&self) -> Changing {
        self.changing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Engine {
    /// Takes new settings and tells listeners, with `attributes`. `live_restore: None` leaves it as it is.
    pub fn reload(&self, labels: Vec<String>, live_restore: Option<bool>, attributes: BTreeMap<&str, String>) {
        {
            let mut changing = self.core.changing.write().unwrap_or_else(PoisonError::into_inner);
            changing.labels = labels;
            changing.live_restore = live_restore.unwrap_or(changing.live_restore);
        }
        let mut told: Vec<(&str, String)> = attributes.into_iter().collect();
        told.push(("name", host_name()));
        let subject = Subject::Daemon(&self.core.id);
        self.core.events.publish(subject, "reload", &told, Timestamp::now());
    }

    /// Names this installation; as long as its data directory lasts.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.core.id
    }

    /// The cgroup namespace of containers that do not say.
    #[must_use]
    pub fn cgroupns_mode(&self) -> &str {
        crate::container::effective::cgroupns_mode(&self.core.config, &self.core.host)
    }
}
