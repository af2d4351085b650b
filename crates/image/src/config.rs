//! An image's configuration as Docker writes it: the JSON whose SHA-256 is the image's ID. Reading ignores unknown
//! keys; the stored bytes stay as they came, these types are only for reading and for making new images.
//! Top-level keys are written in alphabetical order, those of `config` in the order of Docker's `container.Config`.

use std::collections::BTreeMap;

use corten_base::{Digest, Platform, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

/// The whole configuration (image-spec config.md, with Docker's additions).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// Processor in Go's names.
    #[serde(default)]
    pub architecture: String,
    /// Who made it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// The comment of `docker import -m` and `docker commit -m`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// What a container inherits.
    #[serde(
        default,
        deserialize_with = "null_is_default",
        skip_serializing_if = "Option::is_none"
    )]
    pub config: Option<Config>,
    /// When it was made; absent in reproducible images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// The engine that made it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub docker_version: String,
    /// How it was made, oldest step first.
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<History>,
    /// Operating system in Go's names.
    #[serde(default)]
    pub os: String,
    /// Optional features of the operating system that it needs.
    #[serde(
        default,
        rename = "os.features",
        deserialize_with = "null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub os_features: Vec<String>,
    /// Version of the operating system.
    #[serde(default, rename = "os.version", skip_serializing_if = "String::is_empty")]
    pub os_version: String,
    /// The layers.
    pub rootfs: RootFs,
    /// Processor variant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
}

impl ImageConfig {
    /// What it is for.
    #[must_use]
    pub fn platform(&self) -> Platform {
        Platform {
            os: self.os.clone(),
            architecture: self.architecture.clone(),
            variant: self.variant.clone(),
        }
    }
}

/// The layers of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Digests of the uncompressed layer tars, bottom first.
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub diff_ids: Vec<Digest>,
}

impl Default for RootFs {
    fn default() -> Self {
        Self {
            kind: "layers".into(),
            diff_ids: Vec::new(),
        }
    }
}

/// One step in the making of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// The author at this step.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// The command of this step.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub created_by: String,
    /// A comment.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// Whether the step made no layer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
}

/// What containers of an image inherit, in the names of Docker's `container.Config`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Config {
    /// Host name; images carry none of use.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// `user[:group]`, names or numbers.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// `port/protocol` that the program serves.
    #[serde(
        deserialize_with = "set",
        serialize_with = "write_set",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub exposed_ports: Vec<String>,
    /// `KEY=value`.
    #[serde(deserialize_with = "null_is_default")]
    pub env: Vec<String>,
    /// Arguments, or the whole command where there is no entry point.
    #[serde(deserialize_with = "null_or_text_list")]
    pub cmd: Option<Vec<String>>,
    /// How to find out whether a container is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Whether `cmd` is one already escaped Windows command line.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub args_escaped: bool,
    /// Paths that are volumes.
    #[serde(
        deserialize_with = "set",
        serialize_with = "write_set",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub volumes: Vec<String>,
    /// Working directory.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// The program and its first arguments.
    #[serde(deserialize_with = "null_or_text_list")]
    pub entrypoint: Option<Vec<String>>,
    /// Instructions for a build that starts from this image.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub on_build: Vec<String>,
    /// Labels.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Signal that asks the program to stop.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stop_signal: String,
    /// Seconds from that signal to SIGKILL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    /// The shell of shell-form commands.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub shell: Vec<String>,
}

/// A health check; times in nanoseconds, 0 means inherit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Healthcheck {
    /// `["NONE"]`, `["CMD", ...]` or `["CMD-SHELL", command]`; empty means inherit.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<String>,
    /// Between two checks.
    #[serde(skip_serializing_if = "is_zero")]
    pub interval: i64,
    /// Before a check counts as hung.
    #[serde(skip_serializing_if = "is_zero")]
    pub timeout: i64,
    /// During which failures do not count.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_period: i64,
    /// Between two checks during the start period.
    #[serde(skip_serializing_if = "is_zero")]
    pub start_interval: i64,
    /// Failures in a row until unhealthy.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: i64,
}

impl ImageConfig {
    /// The chain id of each layer, bottom first (image-spec config.md#layer-chainid).
    #[must_use]
    pub fn chain_ids(&self) -> Vec<Digest> {
        let mut chain: Vec<Digest> = Vec::with_capacity(self.rootfs.diff_ids.len());
        for diff_id in &self.rootfs.diff_ids {
            chain.push(chain_id(chain.last(), diff_id));
        }
        chain
    }
}

/// The identity of `diff_id` applied on the layers of `parent`.
#[must_use]
pub fn chain_id(parent: Option<&Digest>, diff_id: &Digest) -> Digest {
    parent.map_or(*diff_id, |parent| Digest::of(format!("{parent} {diff_id}").as_bytes()))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

/// Go writes a nil slice or map as `null`.
fn null_is_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

/// Docker's `strslice`: a list, or one text that stands for a list of one.
fn null_or_text_list<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum TextOrList {
        Text(String),
        List(Vec<String>),
    }
    Ok(Option::<TextOrList>::deserialize(from)?.map(|value| match value {
        TextOrList::Text(text) => vec![text],
        TextOrList::List(list) => list,
    }))
}

/// Go's `map[string]struct{}`, as a sorted list of its keys.
fn set<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let map = Option::<BTreeMap<String, serde::de::IgnoredAny>>::deserialize(from)?;
    Ok(map.unwrap_or_default().into_keys().collect())
}

#[expect(clippy::ptr_arg, reason = "serde calls it with the field's type")]
fn write_set<S: serde::Serializer>(list: &Vec<String>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(list.iter().map(|key| (key, serde_json::Map::new())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_writes() {
        let text = r#"{"architecture":"amd64","config":{"Env":null,"Cmd":"sh","Entrypoint":null,"Volumes":{"/b":{},"/a":{}},
            "Labels":null,"OnBuild":null,"ExposedPorts":{"80/tcp":{}}},"history":null,"os":"linux",
            "rootfs":{"type":"layers","diff_ids":null},"unknown":1}"#;
        let image: ImageConfig = serde_json::from_str(text).expect("valid");
        let config = image.config.expect("config");
        assert_eq!(config.cmd, Some(vec!["sh".to_owned()]));
        assert_eq!(config.volumes, ["/a", "/b"]);
        assert_eq!(config.exposed_ports, ["80/tcp"]);
    }

    #[test]
    fn chain_of_two() {
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let rootfs = RootFs {
            diff_ids: vec![one, two],
            ..RootFs::default()
        };
        let image = ImageConfig {
            rootfs,
            ..ImageConfig::default()
        };
        assert_eq!(image.chain_ids(), [one, Digest::of(format!("{one} {two}").as_bytes())]);
    }
}
