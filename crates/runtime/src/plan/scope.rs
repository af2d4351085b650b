//! A scope of the service manager: a container's control groups where systemd has the tree.

use serde::{Deserialize, Serialize};

/// A transient scope with its properties (org.freedesktop.systemd1(5)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// The unit's name, `docker-<id>.scope`.
    pub unit: String,
    /// The slice that it is part of, `system.slice`.
    pub slice: String,
    /// What `systemctl status` says it is.
    pub description: String,
    /// Limits and the like, besides those that every scope of ours has.
    pub properties: Vec<Property>,
}

/// One property of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// `MemoryMax`.
    pub name: String,
    /// Its value.
    pub value: PropertyValue,
}

/// Values with the D-Bus types that properties have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PropertyValue {
    /// `b`.
    Bool(bool),
    /// `t`; `u64::MAX` is no limit.
    Number(u64),
    /// `s`.
    Text(String),
    /// `ay`: sets of processors and memory nodes, lowest bit of the first byte first.
    Bytes(Vec<u8>),
    /// `au`.
    Processes(Vec<u32>),
    /// `a(ss)`: devices with what may be done with them.
    Devices(Vec<(String, String)>),
}
