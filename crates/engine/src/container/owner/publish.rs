//! What others see and hear of a container: its view, and its events.

use std::sync::Arc;

use corten_base::Timestamp;

use super::Owner;
use crate::container::View;
use crate::container::phase::Action;
use crate::event::Subject;

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
}
