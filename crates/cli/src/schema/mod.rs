//! The types that Docker's client decodes answers into, so that templates of `inspect`, `info`, `version` and
//! `events` print structs in Go's order, find fields by Go's names, and give zeros for what is not there.

mod container;
mod host;
mod image;
mod network;
mod system;
mod volume;

use corten_template::{Field, Struct, Type};

pub(crate) use container::CONTAINER_INSPECT_RESPONSE as CONTAINER;
pub(crate) use image::IMAGE_INSPECT_RESPONSE as IMAGE;
pub(crate) use network::NETWORK_INSPECT as NETWORK;
pub(crate) use system::EVENTS_MESSAGE as EVENT;
pub(crate) use volume::VOLUME;

/// `struct {}`.
const EMPTY: Type = Type::Struct(&Struct { name: "", fields: &[] });

const TEXT_LIST: Type = Type::List(&Type::Text);

const PLATFORM: Type = Type::Struct(&Struct {
    name: "system.platformInfo",
    fields: &[Field::new("Name", "Name", &Type::Text).omitted()],
});

const CLIENT_VERSION: Type = Type::Struct(&Struct {
    name: "system.clientVersion",
    fields: &[
        Field::new("Platform", "Platform", &Type::Pointer(&PLATFORM)).omitted(),
        Field::new("Version", "Version", &Type::Text).omitted(),
        Field::new("APIVersion", "ApiVersion", &Type::Text).omitted(),
        Field::new("DefaultAPIVersion", "DefaultAPIVersion", &Type::Text).omitted(),
        Field::new("GitCommit", "GitCommit", &Type::Text).omitted(),
        Field::new("GoVersion", "GoVersion", &Type::Text).omitted(),
        Field::new("Os", "Os", &Type::Text).omitted(),
        Field::new("Arch", "Arch", &Type::Text).omitted(),
        Field::new("BuildTime", "BuildTime", &Type::Text).omitted(),
        Field::new("Context", "Context", &Type::Text),
    ],
});

/// What `version` shows.
pub(crate) const VERSION: Type = Type::Struct(&Struct {
    name: "system.versionInfo",
    fields: &[
        Field::new("Client", "Client", &CLIENT_VERSION),
        Field::new("Server", "Server", &Type::Pointer(&system::TYPES_VERSION)),
    ],
});

const PLUGIN: Type = Type::Struct(&Struct {
    name: "manager.Plugin",
    fields: &[
        Field::new("SchemaVersion", "SchemaVersion", &Type::Text).omitted(),
        Field::new("Vendor", "Vendor", &Type::Text).omitted(),
        Field::new("Version", "Version", &Type::Text).omitted(),
        Field::new("ShortDescription", "ShortDescription", &Type::Text).omitted(),
        Field::new("URL", "URL", &Type::Text).omitted(),
        Field::new("Name", "Name", &Type::Text).omitted(),
        Field::new("Path", "Path", &Type::Text).omitted(),
        Field::new("Err", "Err", &Type::Any).omitted(),
        Field::new("ShadowedPaths", "ShadowedPaths", &TEXT_LIST).omitted(),
    ],
});

const CLIENT_INFO: Type = Type::Struct(&Struct {
    name: "system.clientInfo",
    fields: &[
        Field::new("Debug", "Debug", &Type::Bool),
        Field::new("clientVersion", "", &CLIENT_VERSION),
        Field::new("Plugins", "Plugins", &Type::List(&PLUGIN)),
        Field::new("Warnings", "Warnings", &TEXT_LIST),
    ],
});

/// What `info` shows.
pub(crate) const INFO: Type = Type::Struct(&Struct {
    name: "system.dockerInfo",
    fields: &[
        Field::new("Info", "", &Type::Pointer(&system::SYSTEM_INFO)),
        Field::new("ServerErrors", "ServerErrors", &TEXT_LIST).omitted(),
        Field::new("ClientInfo", "ClientInfo", &Type::Pointer(&CLIENT_INFO)).omitted(),
        Field::new("ClientErrors", "ClientErrors", &TEXT_LIST).omitted(),
    ],
});
