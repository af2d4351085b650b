//! What others see and hear of a container: its view, and its events.

use std::sync::Arc;

use corten_base::Timestamp;

use super::Owner;
use crate::container::View;
use crate::container::mounts::MountKind;
use crate::container::phase::Action;
use crate::container::run::Joined;
use crate::event::Subject;
use crate::network::place::{self, Place};

impl Owner {
    pub(in crate::container) fn publish(&mut self) {
        let run = self.run.as_ref().map(|run| Arc::clone(&run.record));
        let run = self.life.phase.running().and(run);
        let exits = self.exits;
        self.counted.move_to(&self.life.phase);
        let view = View {
            life: self.life.clone(),
            run,
            exits,
            removed: self.removed,
        };
        self.publisher.send_replace(Arc::new(view));
    }

    pub(super) fn publish_action(&self, action: Action) {
        match action {
            Action::Start => self.publish_event("start", &[]),
            Action::Stop => self.publish_event("stop", &[]),
            Action::Restart => self.publish_event("restart", &[]),
            Action::OutOfMemory => self.publish_event("oom", &[]),
            Action::Pause => self.publish_event("pause", &[]),
            Action::Unpause => self.publish_event("unpause", &[]),
            Action::Die => {
                let Some(ended) = self.life.phase.ended() else { return };
                let seconds = ended.finished_at.since(ended.started_at).as_secs();
                let attributes = [
                    ("execDuration", seconds.to_string()),
                    ("exitCode", ended.code.to_string()),
                ];
                self.publish_event("die", &attributes);
            }
        }
    }

    pub(in crate::container) fn publish_event(&self, action: &str, attributes: &[(&str, String)]) {
        self.core.events.publish(
            Subject::Container(&self.container),
            action,
            attributes,
            Timestamp::now(),
        );
    }

    pub(in crate::container) fn publish_networks(&self, action: &str, endpoints: &[Joined]) {
        for joined in endpoints {
            let place = place::of(&self.core, joined);
            let attributes = [
                ("container", self.container.id.to_string()),
                ("name", joined.name.clone()),
                ("type", place.as_ref().map_or("bridge", Place::driver_name).to_owned()),
            ];
            let id = place.as_ref().map_or(joined.network.as_str(), Place::id);
            let subject = Subject::Network(id);
            self.core.events.publish(subject, action, &attributes, Timestamp::now());
        }
    }

    pub(in crate::container) fn publish_mounts(&self, action: &str) {
        for mount in self
            .container
            .record
            .mounts
            .iter()
            .filter(|mount| mount.kind == MountKind::Volume)
        {
            let mut attributes = vec![
                ("container", self.container.id.to_string()),
                ("driver", "local".to_owned()),
            ];
            if action == "mount" {
                attributes.extend([
                    ("destination", mount.destination.clone()),
                    ("propagation", String::new()),
                    ("read/write", (!mount.readonly).to_string()),
                ]);
            }
            self.core
                .events
                .publish(Subject::Volume(&mount.volume), action, &attributes, Timestamp::now());
        }
    }
}
