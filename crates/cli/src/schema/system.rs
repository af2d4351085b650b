//! An engine's description of itself, its version, and events, as Docker's client holds it: Go's names, JSON's keys, types
//! (Engine API v1.51, docker 28.5.2). A table of facts; nothing is computed here.

use corten_template::{Field, Struct, Type};

pub(super) const SYSTEM_PLUGINS_INFO: Type = Type::Struct(&Struct {
    name: "system.PluginsInfo",
    fields: &[
        Field::new("Volume", "Volume", &Type::List(&Type::Text)),
        Field::new("Network", "Network", &Type::List(&Type::Text)),
        Field::new("Authorization", "Authorization", &Type::List(&Type::Text)),
        Field::new("Log", "Log", &Type::List(&Type::Text)),
    ],
});

// By name and not in Go's order: its JSON comes from a map.
pub(super) const REGISTRY_INDEX_INFO: Type = Type::Struct(&Struct {
    name: "registry.IndexInfo",
    fields: &[
        Field::new("Mirrors", "Mirrors", &Type::List(&Type::Text)),
        Field::new("Name", "Name", &Type::Text),
        Field::new("Official", "Official", &Type::Bool),
        Field::new("Secure", "Secure", &Type::Bool),
    ],
});

// By name and not in Go's order: its JSON comes from a map.
pub(super) const REGISTRY_SERVICE_CONFIG: Type = Type::Struct(&Struct {
    name: "registry.ServiceConfig",
    fields: &[
        Field::new(
            "AllowNondistributableArtifactsCIDRs",
            "AllowNondistributableArtifactsCIDRs",
            &Type::List(&Type::Text),
        )
        .omitted(),
        Field::new(
            "AllowNondistributableArtifactsHostnames",
            "AllowNondistributableArtifactsHostnames",
            &Type::List(&Type::Text),
        )
        .omitted(),
        Field::new("ExtraFields", "-", &Type::Map(&Type::Text, &Type::Any)),
        Field::new(
            "IndexConfigs",
            "IndexConfigs",
            &Type::Map(&Type::Text, &Type::Pointer(&REGISTRY_INDEX_INFO)),
        ),
        Field::new(
            "InsecureRegistryCIDRs",
            "InsecureRegistryCIDRs",
            &Type::List(&Type::Text),
        ),
        Field::new("Mirrors", "Mirrors", &Type::List(&Type::Text)),
    ],
});

pub(super) const SWARM_NAMED_GENERIC_RESOURCE: Type = Type::Struct(&Struct {
    name: "swarm.NamedGenericResource",
    fields: &[
        Field::new("Kind", "Kind", &Type::Text).omitted(),
        Field::new("Value", "Value", &Type::Text).omitted(),
    ],
});

pub(super) const SWARM_DISCRETE_GENERIC_RESOURCE: Type = Type::Struct(&Struct {
    name: "swarm.DiscreteGenericResource",
    fields: &[
        Field::new("Kind", "Kind", &Type::Text).omitted(),
        Field::new("Value", "Value", &Type::Int64).omitted(),
    ],
});

pub(super) const SWARM_GENERIC_RESOURCE: Type = Type::Struct(&Struct {
    name: "swarm.GenericResource",
    fields: &[
        Field::new(
            "NamedResourceSpec",
            "NamedResourceSpec",
            &Type::Pointer(&SWARM_NAMED_GENERIC_RESOURCE),
        )
        .omitted(),
        Field::new(
            "DiscreteResourceSpec",
            "DiscreteResourceSpec",
            &Type::Pointer(&SWARM_DISCRETE_GENERIC_RESOURCE),
        )
        .omitted(),
    ],
});

pub(super) const SYSTEM_RUNTIME: Type = Type::Struct(&Struct {
    name: "system.Runtime",
    fields: &[
        Field::new("Path", "path", &Type::Text).omitted(),
        Field::new("Args", "runtimeArgs", &Type::List(&Type::Text)).omitted(),
        Field::new("Type", "runtimeType", &Type::Text).omitted(),
        Field::new("Options", "options", &Type::Map(&Type::Text, &Type::Any)).omitted(),
    ],
});

pub(super) const SYSTEM_RUNTIME_WITH_STATUS: Type = Type::Struct(&Struct {
    name: "system.RuntimeWithStatus",
    fields: &[
        Field::new("Runtime", "", &SYSTEM_RUNTIME),
        Field::new("Status", "status", &Type::Map(&Type::Text, &Type::Text)).omitted(),
    ],
});

pub(super) const SWARM_PEER: Type = Type::Struct(&Struct {
    name: "swarm.Peer",
    fields: &[
        Field::new("NodeID", "NodeID", &Type::Text),
        Field::new("Addr", "Addr", &Type::Text),
    ],
});

pub(super) const SWARM_INFO: Type = Type::Struct(&Struct {
    name: "swarm.Info",
    fields: &[
        Field::new("NodeID", "NodeID", &Type::Text),
        Field::new("NodeAddr", "NodeAddr", &Type::Text),
        Field::new(
            "LocalNodeState",
            "LocalNodeState",
            &Type::Named("swarm.LocalNodeState", &Type::Text),
        ),
        Field::new("ControlAvailable", "ControlAvailable", &Type::Bool),
        Field::new("Error", "Error", &Type::Text),
        Field::new("RemoteManagers", "RemoteManagers", &Type::List(&SWARM_PEER)),
        Field::new("Nodes", "Nodes", &Type::Int).omitted(),
        Field::new("Managers", "Managers", &Type::Int).omitted(),
        Field::new("Cluster", "Cluster", &Type::Pointer(&Type::Any)).omitted(),
        Field::new("Warnings", "Warnings", &Type::List(&Type::Text)).omitted(),
    ],
});

pub(super) const SYSTEM_COMMIT: Type = Type::Struct(&Struct {
    name: "system.Commit",
    fields: &[
        Field::new("ID", "ID", &Type::Text),
        Field::new("Expected", "Expected", &Type::Text).omitted(),
    ],
});

pub(super) const SYSTEM_NETWORK_ADDRESS_POOL: Type = Type::Struct(&Struct {
    name: "system.NetworkAddressPool",
    fields: &[
        Field::new("Base", "Base", &Type::Text),
        Field::new("Size", "Size", &Type::Int),
    ],
});

pub(super) const SYSTEM_FIREWALL_INFO: Type = Type::Struct(&Struct {
    name: "system.FirewallInfo",
    fields: &[
        Field::new("Driver", "Driver", &Type::Text),
        Field::new("Info", "Info", &Type::List(&Type::List(&Type::Text))).omitted(),
    ],
});

pub(super) const SYSTEM_DEVICE_INFO: Type = Type::Struct(&Struct {
    name: "system.DeviceInfo",
    fields: &[
        Field::new("Source", "Source", &Type::Text),
        Field::new("ID", "ID", &Type::Text),
    ],
});

pub(super) const SYSTEM_CONTAINERD_NAMESPACES: Type = Type::Struct(&Struct {
    name: "system.ContainerdNamespaces",
    fields: &[
        Field::new("Containers", "Containers", &Type::Text),
        Field::new("Plugins", "Plugins", &Type::Text),
    ],
});

pub(super) const SYSTEM_CONTAINERD_INFO: Type = Type::Struct(&Struct {
    name: "system.ContainerdInfo",
    fields: &[
        Field::new("Address", "Address", &Type::Text).omitted(),
        Field::new("Namespaces", "Namespaces", &SYSTEM_CONTAINERD_NAMESPACES),
    ],
});

pub(super) const SYSTEM_INFO: Type = Type::Struct(&Struct {
    name: "system.Info",
    fields: &[
        Field::new("ID", "ID", &Type::Text),
        Field::new("Containers", "Containers", &Type::Int),
        Field::new("ContainersRunning", "ContainersRunning", &Type::Int),
        Field::new("ContainersPaused", "ContainersPaused", &Type::Int),
        Field::new("ContainersStopped", "ContainersStopped", &Type::Int),
        Field::new("Images", "Images", &Type::Int),
        Field::new("Driver", "Driver", &Type::Text),
        Field::new("DriverStatus", "DriverStatus", &Type::List(&Type::List(&Type::Text))),
        Field::new("SystemStatus", "SystemStatus", &Type::List(&Type::List(&Type::Text))).omitted(),
        Field::new("Plugins", "Plugins", &SYSTEM_PLUGINS_INFO),
        Field::new("MemoryLimit", "MemoryLimit", &Type::Bool),
        Field::new("SwapLimit", "SwapLimit", &Type::Bool),
        Field::new("KernelMemory", "KernelMemory", &Type::Bool).omitted(),
        Field::new("KernelMemoryTCP", "KernelMemoryTCP", &Type::Bool).omitted(),
        Field::new("CPUCfsPeriod", "CpuCfsPeriod", &Type::Bool),
        Field::new("CPUCfsQuota", "CpuCfsQuota", &Type::Bool),
        Field::new("CPUShares", "CPUShares", &Type::Bool),
        Field::new("CPUSet", "CPUSet", &Type::Bool),
        Field::new("PidsLimit", "PidsLimit", &Type::Bool),
        Field::new("IPv4Forwarding", "IPv4Forwarding", &Type::Bool),
        Field::new("Debug", "Debug", &Type::Bool),
        Field::new("NFd", "NFd", &Type::Int),
        Field::new("OomKillDisable", "OomKillDisable", &Type::Bool),
        Field::new("NGoroutines", "NGoroutines", &Type::Int),
        Field::new("SystemTime", "SystemTime", &Type::Text),
        Field::new("LoggingDriver", "LoggingDriver", &Type::Text),
        Field::new("CgroupDriver", "CgroupDriver", &Type::Text),
        Field::new("CgroupVersion", "CgroupVersion", &Type::Text).omitted(),
        Field::new("NEventsListener", "NEventsListener", &Type::Int),
        Field::new("KernelVersion", "KernelVersion", &Type::Text),
        Field::new("OperatingSystem", "OperatingSystem", &Type::Text),
        Field::new("OSVersion", "OSVersion", &Type::Text),
        Field::new("OSType", "OSType", &Type::Text),
        Field::new("Architecture", "Architecture", &Type::Text),
        Field::new("IndexServerAddress", "IndexServerAddress", &Type::Text),
        Field::new(
            "RegistryConfig",
            "RegistryConfig",
            &Type::Pointer(&REGISTRY_SERVICE_CONFIG),
        ),
        Field::new("NCPU", "NCPU", &Type::Int),
        Field::new("MemTotal", "MemTotal", &Type::Int64),
        Field::new(
            "GenericResources",
            "GenericResources",
            &Type::List(&SWARM_GENERIC_RESOURCE),
        ),
        Field::new("DockerRootDir", "DockerRootDir", &Type::Text),
        Field::new("HTTPProxy", "HttpProxy", &Type::Text),
        Field::new("HTTPSProxy", "HttpsProxy", &Type::Text),
        Field::new("NoProxy", "NoProxy", &Type::Text),
        Field::new("Name", "Name", &Type::Text),
        Field::new("Labels", "Labels", &Type::List(&Type::Text)),
        Field::new("ExperimentalBuild", "ExperimentalBuild", &Type::Bool),
        Field::new("ServerVersion", "ServerVersion", &Type::Text),
        Field::new(
            "Runtimes",
            "Runtimes",
            &Type::Map(&Type::Text, &SYSTEM_RUNTIME_WITH_STATUS),
        ),
        Field::new("DefaultRuntime", "DefaultRuntime", &Type::Text),
        Field::new("Swarm", "Swarm", &SWARM_INFO),
        Field::new("LiveRestoreEnabled", "LiveRestoreEnabled", &Type::Bool),
        Field::new(
            "Isolation",
            "Isolation",
            &Type::Named("container.Isolation", &Type::Text),
        ),
        Field::new("InitBinary", "InitBinary", &Type::Text),
        Field::new("ContainerdCommit", "ContainerdCommit", &SYSTEM_COMMIT),
        Field::new("RuncCommit", "RuncCommit", &SYSTEM_COMMIT),
        Field::new("InitCommit", "InitCommit", &SYSTEM_COMMIT),
        Field::new("SecurityOptions", "SecurityOptions", &Type::List(&Type::Text)),
        Field::new("ProductLicense", "ProductLicense", &Type::Text).omitted(),
        Field::new(
            "DefaultAddressPools",
            "DefaultAddressPools",
            &Type::List(&SYSTEM_NETWORK_ADDRESS_POOL),
        )
        .omitted(),
        Field::new(
            "FirewallBackend",
            "FirewallBackend",
            &Type::Pointer(&SYSTEM_FIREWALL_INFO),
        )
        .omitted(),
        Field::new("CDISpecDirs", "CDISpecDirs", &Type::List(&Type::Text)),
        Field::new(
            "DiscoveredDevices",
            "DiscoveredDevices",
            &Type::List(&SYSTEM_DEVICE_INFO),
        )
        .omitted(),
        Field::new("Containerd", "Containerd", &Type::Pointer(&SYSTEM_CONTAINERD_INFO)).omitted(),
        Field::new("Warnings", "Warnings", &Type::List(&Type::Text)),
    ],
});

pub(super) const TYPES_PLATFORM_OF: Type = Type::Struct(&Struct {
    name: "types.PlatformOf",
    fields: &[Field::new("Name", "Name", &Type::Text)],
});

pub(super) const TYPES_COMPONENT_VERSION: Type = Type::Struct(&Struct {
    name: "types.ComponentVersion",
    fields: &[
        Field::new("Name", "Name", &Type::Text),
        Field::new("Version", "Version", &Type::Text),
        Field::new("Details", "Details", &Type::Map(&Type::Text, &Type::Text)).omitted(),
    ],
});

pub(super) const TYPES_VERSION: Type = Type::Struct(&Struct {
    name: "types.Version",
    fields: &[
        Field::new("Platform", "Platform", &TYPES_PLATFORM_OF).omitted(),
        Field::new("Components", "Components", &Type::List(&TYPES_COMPONENT_VERSION)).omitted(),
        Field::new("Version", "Version", &Type::Text),
        Field::new("APIVersion", "ApiVersion", &Type::Text),
        Field::new("MinAPIVersion", "MinAPIVersion", &Type::Text).omitted(),
        Field::new("GitCommit", "GitCommit", &Type::Text),
        Field::new("GoVersion", "GoVersion", &Type::Text),
        Field::new("Os", "Os", &Type::Text),
        Field::new("Arch", "Arch", &Type::Text),
        Field::new("KernelVersion", "KernelVersion", &Type::Text).omitted(),
        Field::new("Experimental", "Experimental", &Type::Bool).omitted(),
        Field::new("BuildTime", "BuildTime", &Type::Text).omitted(),
    ],
});

pub(super) const EVENTS_ACTOR: Type = Type::Struct(&Struct {
    name: "events.Actor",
    fields: &[
        Field::new("ID", "ID", &Type::Text),
        Field::new("Attributes", "Attributes", &Type::Map(&Type::Text, &Type::Text)),
    ],
});

pub(crate) const EVENTS_MESSAGE: Type = Type::Struct(&Struct {
    name: "events.Message",
    fields: &[
        Field::new("Status", "status", &Type::Text).omitted(),
        Field::new("ID", "id", &Type::Text).omitted(),
        Field::new("From", "from", &Type::Text).omitted(),
        Field::new("Type", "Type", &Type::Named("events.Type", &Type::Text)),
        Field::new("Action", "Action", &Type::Named("events.Action", &Type::Text)),
        Field::new("Actor", "Actor", &EVENTS_ACTOR),
        Field::new("Scope", "scope", &Type::Text).omitted(),
        Field::new("Time", "time", &Type::Int64).omitted(),
        Field::new("TimeNano", "timeNano", &Type::Int64).omitted(),
    ],
});
