//! One message of `GET /events`.

use serde::{Deserialize, Serialize};

use crate::{Map, is_zero};

/// One event. Engine API v1.51 EventMessage, with the old fields (`status`, `id`, `from`) that 28.5
/// still writes for containers and images.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventMessage {
    /// Old form of `action`; containers and images only.
    #[serde(skip_serializing_if = "is_zero")]
    pub status: String,
    /// Old form of `actor.id`; containers and images only.
    #[serde(skip_serializing_if = "is_zero")]
    pub id: String,
    /// The image of a container.
    #[serde(skip_serializing_if = "is_zero")]
    pub from: String,
    /// `container`, `image`, `volume`, `network`, `daemon`, `plugin`, ...
    #[serde(rename = "Type")]
    pub kind: String,
    /// What happened, like `start` or `exec_create: sh`.
    #[serde(rename = "Action")]
    pub action: String,
    /// Whom it happened to.
    #[serde(rename = "Actor")]
    pub actor: EventActor,
    /// `local` or `swarm`.
    #[serde(skip_serializing_if = "is_zero")]
    pub scope: String,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "is_zero")]
    pub time: i64,
    /// Nanoseconds since 1970.
    #[serde(rename = "timeNano", skip_serializing_if = "is_zero")]
    pub time_nano: i64,
}

/// Whom an event happened to. Engine API v1.51 EventActor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventActor {
    /// Full id, or name where the kind has no ids.
    #[serde(rename = "ID")]
    pub id: String,
    /// Labels, name, image and what belongs to the action.
    #[serde(rename = "Attributes")]
    pub attributes: Map<String>,
}
