//! The configuration of a committed image as Docker writes it (pure but for the clock).

use corten_api::container::ContainerConfig;
use corten_base::{Platform, Timestamp};
use corten_image::config::RootFs;
use corten_image::{Committed, History, ImageConfig};
use serde::Serialize;

use crate::container::Container;

/// What the commit adds.
pub(super) struct Step {
    /// What containers of the image inherit.
    pub(super) config: ContainerConfig,
    /// Who made it.
    pub(super) author: String,
    /// A comment.
    pub(super) comment: String,
}

/// In the order of Docker's keys.
#[derive(Serialize)]
struct Written<'a> {
    architecture: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    author: &'a str,
    config: &'a ContainerConfig,
    container: &'a str,
    container_config: &'a ContainerConfig,
    created: Timestamp,
    docker_version: &'a str,
    history: Vec<History>,
    os: &'a str,
    #[serde(rename = "os.features", skip_serializing_if = "<[String]>::is_empty")]
    os_features: &'a [String],
    #[serde(rename = "os.version", skip_serializing_if = "str::is_empty")]
    os_version: &'a str,
    rootfs: RootFs,
    #[serde(skip_serializing_if = "str::is_empty")]
    variant: &'a str,
}

impl Step {
    /// The JSON of the image that `container` became; `below`: the image it was made from, if that is still there.
    pub(super) fn describe(
        &self,
        container: &Container,
        version: &str,
        below: Option<&ImageConfig>,
        committed: &Committed,
    ) -> serde_json::Result<Vec<u8>> {
        let own = &container.effective.config;
        let host = host();
        let below = below.unwrap_or(&host);
        let created = Timestamp::now();
        serde_json::to_vec(&Written {
            architecture: &below.architecture,
            author: &self.author,
            config: &self.config,
            container: container.id.as_str(),
            container_config: own,
            created,
            docker_version: version,
            history: self.history(&below.history, own, created, committed),
            os: &below.os,
            os_features: &below.os_features,
            os_version: &below.os_version,
            rootfs: RootFs {
                diff_ids: committed.diff_ids.clone(),
                ..RootFs::default()
            },
            variant: &below.variant,
        })
    }

    fn history(
        &self,
        below: &[History],
        own: &ContainerConfig,
        created: Timestamp,
        committed: &Committed,
    ) -> Vec<History> {
        let mut history = below.to_vec();
        // Steps and layers belong together one by one; those of an image that is gone are not known.
        let layers_below = committed.diff_ids.len() - usize::from(!committed.is_empty);
        let known = history.iter().filter(|step| !step.empty_layer).count();
        history.resize(history.len() + layers_below.saturating_sub(known), History::default());
        history.push(History {
            created: Some(created),
            author: self.author.clone(),
            created_by: own.cmd.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
            comment: self.comment.clone(),
            empty_layer: committed.is_empty,
        });
        history
    }
}

/// What stands for an image that is not there.
fn host() -> ImageConfig {
    let Platform { os, architecture, .. } = Platform::host();
    ImageConfig {
        os,
        architecture,
        ..ImageConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use corten_base::Digest;

    #[test]
    fn a_step_for_each_layer() {
        let step = Step {
            config: ContainerConfig::default(),
            author: "a".to_owned(),
            comment: "c".to_owned(),
        };
        let own: ContainerConfig = serde_json::from_str(r#"{"Cmd":["sh","-c","a  b"]}"#).unwrap();
        let made = |created_by: &str, empty_layer| History {
            created_by: created_by.to_owned(),
            empty_layer,
            ..History::default()
        };
        let below = [made("one", false), made("two", true)];
        let table: [(&[History], usize, bool, &[&str]); 4] = [
            (&below, 2, false, &["one", "two", "sh -c a  b"]),
            (&below, 1, true, &["one", "two", "sh -c a  b"]),
            (&[], 3, false, &["", "", "sh -c a  b"]),
            (&[], 0, true, &["sh -c a  b"]),
        ];
        for (below, layers, is_empty, wanted) in table {
            let committed = Committed {
                diff_ids: vec![Digest::of(b""); layers],
                is_empty,
            };
            let history = step.history(below, &own, Timestamp::ZERO, &committed);
            let texts: Vec<&str> = history.iter().map(|step| step.created_by.as_str()).collect();
            assert_eq!(texts, wanted);
            let last = history.last().unwrap();
            assert_eq!(
                (last.author.as_str(), last.comment.as_str(), last.empty_layer),
                ("a", "c", is_empty)
            );
        }
    }
}
