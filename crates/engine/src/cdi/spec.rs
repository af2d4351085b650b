//! Specifications of devices (Container Device Interface 1.0, SPEC.md), read and judged. Pure.

use serde::Deserialize;
use serde_json::Value;

/// One file's content.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    cdi_version: String,
    /// Vendor and class: `vendor.com/class`.
    pub(super) kind: String,
    annotations: serde_json::Map<String, Value>,
    pub(super) devices: Vec<Device>,
    /// What every container with one of the devices gets.
    pub(super) container_edits: Edits,
}

/// One device.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Device {
    pub(super) name: String,
    annotations: serde_json::Map<String, Value>,
    pub(super) container_edits: Edits,
}

/// What changes in a container.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Edits {
    /// Variables, over the container's own.
    pub(crate) env: Vec<String>,
    /// Device nodes.
    pub(crate) device_nodes: Vec<Node>,
    /// Mounts.
    pub(crate) mounts: Vec<Mount>,
    /// Programs that run at its start and end.
    pub(crate) hooks: Vec<Hook>,
    /// Groups of its first process.
    pub(crate) additional_gids: Vec<u32>,
    net_devices: Option<Value>,
    intel_rdt: Option<Value>,
}

/// A device node; what is not said is as on the host.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Node {
    /// Where it appears.
    pub(crate) path: String,
    /// Where it is on the host; empty: at the same path.
    pub(crate) host_path: String,
    /// `b`, `c`, `u` or `p`; empty: what it is there.
    #[serde(rename = "type")]
    kind: String,
    major: i64,
    minor: i64,
    /// Permission bits.
    pub(crate) file_mode: Option<u32>,
    /// Some of `rwm`.
    pub(crate) permissions: String,
    /// Owner.
    pub(crate) uid: Option<u32>,
    /// Group.
    pub(crate) gid: Option<u32>,
}

/// A mount in the runtime specification's terms.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Mount {
    /// What is mounted.
    pub(crate) host_path: String,
    /// Where.
    pub(crate) container_path: String,
    /// `bind` and others' words.
    pub(crate) options: Vec<String>,
    /// The file system's type; empty for binds.
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// A program at a point of the container's life.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Hook {
    /// The runtime specification's name of the point.
    pub(crate) hook_name: String,
    /// Absolute path.
    pub(crate) path: String,
    /// Arguments from the zeroth on.
    pub(crate) args: Vec<String>,
    /// Its whole environment.
    pub(crate) env: Vec<String>,
    /// Seconds until it is killed.
    pub(crate) timeout: Option<i64>,
}

/// Versions that there are, oldest first.
const VERSIONS: &[&str] = &[
    "0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0",
];

/// The points where hooks may run.
const HOOKS: &[&str] = &[
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
];

impl Spec {
    /// Reads a specification.
    ///
    /// # Errors
    /// What is wrong with it, in the words of CDI's library.
    pub(super) fn parse(document: Value) -> Result<Self, String> {
        let spec: Self =
            serde_json::from_value(document).map_err(|error| format!("failed to unmarshal CDI Spec: {error}"))?;
        spec.check().map_err(|why| format!("invalid CDI Spec: {why}"))?;
        Ok(spec)
    }

    fn check(&self) -> Result<(), String> {
        let position = |version: &str| {
            VERSIONS
                .iter()
                .position(|known| *known == version.trim_start_matches('v'))
        };
        let version = position(&self.cdi_version).ok_or_else(|| format!("invalid version {:?}", self.cdi_version))?;
        let (vendor, class) = self
            .kind
            .split_once('/')
            .ok_or_else(|| format!("invalid kind {:?}", self.kind))?;
        if !is_name(vendor, "-_.") || !is_name(class, "-_.") {
            return Err(format!("invalid vendor or class in {:?}", self.kind));
        }
        let needed = self.needed();
        if position(needed).is_some_and(|needed| version < needed) {
            return Err(format!("the spec version must be at least v{needed}"));
        }
        self.container_edits.check()?;
        if self.devices.is_empty() {
            return Err("no devices".to_owned());
        }
        let mut names = std::collections::BTreeSet::new();
        for device in &self.devices {
            if !is_device_name(&device.name) {
                return Err(format!("invalid device name {:?}", device.name));
            }
            if !names.insert(&device.name) {
                return Err(format!("invalid spec, multiple device {:?}", device.name));
            }
            device.container_edits.check()?;
        }
        Ok(())
    }

    /// The oldest version that has what this one uses.
    fn needed(&self) -> &'static str {
        let edits = || {
            self.devices
                .iter()
                .map(|device| &device.container_edits)
                .chain([&self.container_edits])
        };
        let annotated =
            !self.annotations.is_empty() || self.devices.iter().any(|device| !device.annotations.is_empty());
        let class = self.kind.split_once('/').map_or("", |(_, class)| class);
        if edits().any(|edits| edits.net_devices.is_some()) {
            "1.1.0"
        } else if edits().any(|edits| !edits.additional_gids.is_empty() || edits.intel_rdt.is_some()) {
            "0.7.0"
        } else if annotated || class.contains('.') {
            "0.6.0"
        } else if edits().any(|edits| edits.device_nodes.iter().any(|node| !node.host_path.is_empty()))
            || self
                .devices
                .iter()
                .any(|device| !device.name.starts_with(|letter: char| letter.is_ascii_alphabetic()))
        {
            "0.5.0"
        } else if edits().any(|edits| edits.mounts.iter().any(|mount| !mount.kind.is_empty())) {
            "0.4.0"
        } else {
            "0.1.0"
        }
    }
}

impl Edits {
    fn check(&self) -> Result<(), String> {
        if self.net_devices.is_some() || self.intel_rdt.is_some() {
            return Err("netDevices and intelRdt are not supported by this version of Corten".to_owned());
        }
        if let Some(variable) = self.env.iter().find(|variable| !variable.contains('=')) {
            return Err(format!("invalid environment variable {variable:?}"));
        }
        for node in &self.device_nodes {
            if node.path.is_empty() {
                return Err("invalid (empty) device path".to_owned());
            }
            if !["", "b", "c", "u", "p"].contains(&node.kind.as_str()) {
                return Err(format!("device {:?}: invalid type {:?}", node.path, node.kind));
            }
            if node.permissions.bytes().any(|access| !b"rwm".contains(&access)) {
                return Err(format!(
                    "device {:?}: invalid permissions {:?}",
                    node.path, node.permissions
                ));
            }
        }
        if self
            .mounts
            .iter()
            .any(|mount| mount.host_path.is_empty() || mount.container_path.is_empty())
        {
            return Err("invalid mount, empty path".to_owned());
        }
        for hook in &self.hooks {
            if !HOOKS.contains(&hook.hook_name.as_str()) {
                return Err(format!("invalid hook name {:?}", hook.hook_name));
            }
            if hook.path.is_empty() {
                return Err(format!("invalid hook {:?}, empty path", hook.hook_name));
            }
        }
        Ok(())
    }

    /// Adds what `other` changes too.
    pub(super) fn append(&mut self, other: &Self) {
        self.env.extend_from_slice(&other.env);
        self.device_nodes.extend_from_slice(&other.device_nodes);
        self.mounts.extend_from_slice(&other.mounts);
        self.hooks.extend_from_slice(&other.hooks);
        self.additional_gids.extend_from_slice(&other.additional_gids);
    }
}

/// Letters, digits and `marks`, beginning with a letter and ending with a letter or digit.
fn is_name(text: &str, marks: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.ends_with(|letter: char| letter.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || marks.contains(letter))
}

/// As [`is_name`], and may begin with a digit.
fn is_device_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && text.ends_with(|letter: char| letter.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_.:".contains(letter))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn specifications_are_judged() {
        let spec = |version: &str, kind: &str, edits: Value| {
            let document = json!({
                "cdiVersion": version, "kind": kind, "devices": [{ "name": "a", "containerEdits": edits }],
            });
            Spec::parse(document).map(drop)
        };
        assert_eq!(spec("0.3.0", "v.com/class", json!({ "env": ["A=b"] })), Ok(()));
        let table = [
            ("9.9.9", "v.com/class", json!({}), "invalid version \"9.9.9\""),
            ("0.3.0", "class", json!({}), "invalid kind \"class\""),
            (
                "0.3.0",
                "v/cl.ass",
                json!({}),
                "the spec version must be at least v0.6.0",
            ),
            (
                "0.6.0",
                "v/c",
                json!({ "additionalGids": [1] }),
                "the spec version must be at least v0.7.0",
            ),
            (
                "0.3.0",
                "v/c",
                json!({ "env": ["A"] }),
                "invalid environment variable \"A\"",
            ),
            (
                "0.3.0",
                "v/c",
                json!({ "deviceNodes": [{}] }),
                "invalid (empty) device path",
            ),
            (
                "0.3.0",
                "v/c",
                json!({ "hooks": [{ "hookName": "x", "path": "/x" }] }),
                "invalid hook name \"x\"",
            ),
        ];
        for (version, kind, edits, why) in table {
            assert_eq!(spec(version, kind, edits), Err(format!("invalid CDI Spec: {why}")));
        }
        let unknown = spec("0.3.0", "v/c", json!({ "envs": [] })).unwrap_err();
        assert!(unknown.contains("unknown field `envs`"), "{unknown}");
    }
}
