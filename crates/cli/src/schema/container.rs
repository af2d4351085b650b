//! A container's description, as Docker's client holds it: Go's names, JSON's keys, types
//! (Engine API v1.51, docker 28.5.2). A table of facts; nothing is computed here.

use corten_template::{Field, Struct, Type};

use super::EMPTY;
use super::host::{CONTAINER_HOST_CONFIG, NAT_PORT_BINDING};
use super::image::OCI_DESCRIPTOR;
use super::network::{NETWORK_ADDRESS, NETWORK_ENDPOINT_SETTINGS};

pub(super) const CONTAINER_HEALTHCHECK_RESULT: Type = Type::Struct(&Struct {
    name: "container.HealthcheckResult",
    fields: &[
        Field::new("Start", "Start", &Type::Time),
        Field::new("End", "End", &Type::Time),
        Field::new("ExitCode", "ExitCode", &Type::Int),
        Field::new("Output", "Output", &Type::Text),
    ],
});

pub(super) const CONTAINER_HEALTH: Type = Type::Struct(&Struct {
    name: "container.Health",
    fields: &[
        Field::new("Status", "Status", &Type::Text),
        Field::new("FailingStreak", "FailingStreak", &Type::Int),
        Field::new("Log", "Log", &Type::List(&Type::Pointer(&CONTAINER_HEALTHCHECK_RESULT))),
    ],
});

pub(super) const CONTAINER_STATE: Type = Type::Struct(&Struct {
    name: "container.State",
    fields: &[
        Field::new("Status", "Status", &Type::Text),
        Field::new("Running", "Running", &Type::Bool),
        Field::new("Paused", "Paused", &Type::Bool),
        Field::new("Restarting", "Restarting", &Type::Bool),
        Field::new("OOMKilled", "OOMKilled", &Type::Bool),
        Field::new("Dead", "Dead", &Type::Bool),
        Field::new("Pid", "Pid", &Type::Int),
        Field::new("ExitCode", "ExitCode", &Type::Int),
        Field::new("Error", "Error", &Type::Text),
        Field::new("StartedAt", "StartedAt", &Type::Text),
        Field::new("FinishedAt", "FinishedAt", &Type::Text),
        Field::new("Health", "Health", &Type::Pointer(&CONTAINER_HEALTH)).omitted(),
    ],
});

pub(super) const STORAGE_DRIVER_DATA: Type = Type::Struct(&Struct {
    name: "storage.DriverData",
    fields: &[
        Field::new("Data", "Data", &Type::Map(&Type::Text, &Type::Text)),
        Field::new("Name", "Name", &Type::Text),
    ],
});

pub(super) const CONTAINER_JSONBASE: Type = Type::Struct(&Struct {
    name: "container.ContainerJSONBase",
    fields: &[
        Field::new("ID", "Id", &Type::Text),
        Field::new("Created", "Created", &Type::Text),
        Field::new("Path", "Path", &Type::Text),
        Field::new("Args", "Args", &Type::List(&Type::Text)),
        Field::new("State", "State", &Type::Pointer(&CONTAINER_STATE)),
        Field::new("Image", "Image", &Type::Text),
        Field::new("ResolvConfPath", "ResolvConfPath", &Type::Text),
        Field::new("HostnamePath", "HostnamePath", &Type::Text),
        Field::new("HostsPath", "HostsPath", &Type::Text),
        Field::new("LogPath", "LogPath", &Type::Text),
        Field::new("Name", "Name", &Type::Text),
        Field::new("RestartCount", "RestartCount", &Type::Int),
        Field::new("Driver", "Driver", &Type::Text),
        Field::new("Platform", "Platform", &Type::Text),
        Field::new("MountLabel", "MountLabel", &Type::Text),
        Field::new("ProcessLabel", "ProcessLabel", &Type::Text),
        Field::new("AppArmorProfile", "AppArmorProfile", &Type::Text),
        Field::new("ExecIDs", "ExecIDs", &Type::List(&Type::Text)),
        Field::new("HostConfig", "HostConfig", &Type::Pointer(&CONTAINER_HOST_CONFIG)),
        Field::new("GraphDriver", "GraphDriver", &STORAGE_DRIVER_DATA),
        Field::new("SizeRw", "SizeRw", &Type::Pointer(&Type::Int64)).omitted(),
        Field::new("SizeRootFs", "SizeRootFs", &Type::Pointer(&Type::Int64)).omitted(),
    ],
});

pub(super) const CONTAINER_MOUNT_POINT: Type = Type::Struct(&Struct {
    name: "container.MountPoint",
    fields: &[
        Field::new("Type", "Type", &Type::Named("mount.Type", &Type::Text)).omitted(),
        Field::new("Name", "Name", &Type::Text).omitted(),
        Field::new("Source", "Source", &Type::Text),
        Field::new("Destination", "Destination", &Type::Text),
        Field::new("Driver", "Driver", &Type::Text).omitted(),
        Field::new("Mode", "Mode", &Type::Text),
        Field::new("RW", "RW", &Type::Bool),
        Field::new(
            "Propagation",
            "Propagation",
            &Type::Named("mount.Propagation", &Type::Text),
        ),
    ],
});

pub(super) const SPEC_HEALTHCHECK_CONFIG: Type = Type::Struct(&Struct {
    name: "v1.HealthcheckConfig",
    fields: &[
        Field::new("Test", "Test", &Type::List(&Type::Text)).omitted(),
        Field::new("Interval", "Interval", &Type::Duration).omitted(),
        Field::new("Timeout", "Timeout", &Type::Duration).omitted(),
        Field::new("StartPeriod", "StartPeriod", &Type::Duration).omitted(),
        Field::new("StartInterval", "StartInterval", &Type::Duration).omitted(),
        Field::new("Retries", "Retries", &Type::Int).omitted(),
    ],
});

pub(super) const CONTAINER_CONFIG: Type = Type::Struct(&Struct {
    name: "container.Config",
    fields: &[
        Field::new("Hostname", "Hostname", &Type::Text),
        Field::new("Domainname", "Domainname", &Type::Text),
        Field::new("User", "User", &Type::Text),
        Field::new("AttachStdin", "AttachStdin", &Type::Bool),
        Field::new("AttachStdout", "AttachStdout", &Type::Bool),
        Field::new("AttachStderr", "AttachStderr", &Type::Bool),
        Field::new(
            "ExposedPorts",
            "ExposedPorts",
            &Type::Named("nat.PortSet", &Type::Map(&Type::Named("nat.Port", &Type::Text), &EMPTY)),
        )
        .omitted(),
        Field::new("Tty", "Tty", &Type::Bool),
        Field::new("OpenStdin", "OpenStdin", &Type::Bool),
        Field::new("StdinOnce", "StdinOnce", &Type::Bool),
        Field::new("Env", "Env", &Type::List(&Type::Text)),
        Field::new(
            "Cmd",
            "Cmd",
            &Type::Named("strslice.StrSlice", &Type::List(&Type::Text)),
        ),
        Field::new("Healthcheck", "Healthcheck", &Type::Pointer(&SPEC_HEALTHCHECK_CONFIG)).omitted(),
        Field::new("ArgsEscaped", "ArgsEscaped", &Type::Bool).omitted(),
        Field::new("Image", "Image", &Type::Text),
        Field::new("Volumes", "Volumes", &Type::Map(&Type::Text, &EMPTY)),
        Field::new("WorkingDir", "WorkingDir", &Type::Text),
        Field::new(
            "Entrypoint",
            "Entrypoint",
            &Type::Named("strslice.StrSlice", &Type::List(&Type::Text)),
        ),
        Field::new("NetworkDisabled", "NetworkDisabled", &Type::Bool).omitted(),
        Field::new("MacAddress", "MacAddress", &Type::Text).omitted(),
        Field::new("OnBuild", "OnBuild", &Type::List(&Type::Text)),
        Field::new("Labels", "Labels", &Type::Map(&Type::Text, &Type::Text)),
        Field::new("StopSignal", "StopSignal", &Type::Text).omitted(),
        Field::new("StopTimeout", "StopTimeout", &Type::Pointer(&Type::Int)).omitted(),
        Field::new(
            "Shell",
            "Shell",
            &Type::Named("strslice.StrSlice", &Type::List(&Type::Text)),
        )
        .omitted(),
    ],
});

pub(super) const CONTAINER_NETWORK_SETTINGS_BASE: Type = Type::Struct(&Struct {
    name: "container.NetworkSettingsBase",
    fields: &[
        Field::new("Bridge", "Bridge", &Type::Text),
        Field::new("SandboxID", "SandboxID", &Type::Text),
        Field::new("SandboxKey", "SandboxKey", &Type::Text),
        Field::new(
            "Ports",
            "Ports",
            &Type::Named(
                "nat.PortMap",
                &Type::Map(&Type::Named("nat.Port", &Type::Text), &Type::List(&NAT_PORT_BINDING)),
            ),
        ),
        Field::new("HairpinMode", "HairpinMode", &Type::Bool),
        Field::new("LinkLocalIPv6Address", "LinkLocalIPv6Address", &Type::Text),
        Field::new("LinkLocalIPv6PrefixLen", "LinkLocalIPv6PrefixLen", &Type::Int),
        Field::new(
            "SecondaryIPAddresses",
            "SecondaryIPAddresses",
            &Type::List(&NETWORK_ADDRESS),
        ),
        Field::new(
            "SecondaryIPv6Addresses",
            "SecondaryIPv6Addresses",
            &Type::List(&NETWORK_ADDRESS),
        ),
    ],
});

pub(super) const CONTAINER_DEFAULT_NETWORK_SETTINGS: Type = Type::Struct(&Struct {
    name: "container.DefaultNetworkSettings",
    fields: &[
        Field::new("EndpointID", "EndpointID", &Type::Text),
        Field::new("Gateway", "Gateway", &Type::Text),
        Field::new("GlobalIPv6Address", "GlobalIPv6Address", &Type::Text),
        Field::new("GlobalIPv6PrefixLen", "GlobalIPv6PrefixLen", &Type::Int),
        Field::new("IPAddress", "IPAddress", &Type::Text),
        Field::new("IPPrefixLen", "IPPrefixLen", &Type::Int),
        Field::new("IPv6Gateway", "IPv6Gateway", &Type::Text),
        Field::new("MacAddress", "MacAddress", &Type::Text),
    ],
});

pub(super) const CONTAINER_NETWORK_SETTINGS: Type = Type::Struct(&Struct {
    name: "container.NetworkSettings",
    fields: &[
        Field::new("NetworkSettingsBase", "", &CONTAINER_NETWORK_SETTINGS_BASE),
        Field::new("DefaultNetworkSettings", "", &CONTAINER_DEFAULT_NETWORK_SETTINGS),
        Field::new(
            "Networks",
            "Networks",
            &Type::Map(&Type::Text, &Type::Pointer(&NETWORK_ENDPOINT_SETTINGS)),
        ),
    ],
});

pub(crate) const CONTAINER_INSPECT_RESPONSE: Type = Type::Struct(&Struct {
    name: "container.InspectResponse",
    fields: &[
        Field::new("ContainerJSONBase", "", &Type::Pointer(&CONTAINER_JSONBASE)),
        Field::new("Mounts", "Mounts", &Type::List(&CONTAINER_MOUNT_POINT)),
        Field::new("Config", "Config", &Type::Pointer(&CONTAINER_CONFIG)),
        Field::new(
            "NetworkSettings",
            "NetworkSettings",
            &Type::Pointer(&CONTAINER_NETWORK_SETTINGS),
        ),
        Field::new(
            "ImageManifestDescriptor",
            "ImageManifestDescriptor",
            &Type::Pointer(&OCI_DESCRIPTOR),
        )
        .omitted(),
    ],
});
