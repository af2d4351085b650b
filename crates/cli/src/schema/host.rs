//! Settings of a container that belong to the host, as Docker's client holds them: Go's names, JSON's keys, types
//! (Engine API v1.51, docker 28.5.2). A table of facts; nothing is computed here.

use corten_template::{Field, Struct, Type};

pub(super) const CONTAINER_LOG_CONFIG: Type = Type::Struct(&Struct {
    name: "container.LogConfig",
    fields: &[
        Field::new("Type", "Type", &Type::Text),
        Field::new("Config", "Config", &Type::Map(&Type::Text, &Type::Text)),
    ],
});

pub(super) const NAT_PORT_BINDING: Type = Type::Struct(&Struct {
    name: "nat.PortBinding",
    fields: &[
        Field::new("HostIP", "HostIp", &Type::Text),
        Field::new("HostPort", "HostPort", &Type::Text),
    ],
});

pub(super) const CONTAINER_RESTART_POLICY: Type = Type::Struct(&Struct {
    name: "container.RestartPolicy",
    fields: &[
        Field::new("Name", "Name", &Type::Named("container.RestartPolicyMode", &Type::Text)),
        Field::new("MaximumRetryCount", "MaximumRetryCount", &Type::Int),
    ],
});

pub(super) const BLKIODEV_WEIGHT_DEVICE: Type = Type::Struct(&Struct {
    name: "blkiodev.WeightDevice",
    fields: &[
        Field::new("Path", "Path", &Type::Text),
        Field::new("Weight", "Weight", &Type::Uint16),
    ],
});

pub(super) const BLKIODEV_THROTTLE_DEVICE: Type = Type::Struct(&Struct {
    name: "blkiodev.ThrottleDevice",
    fields: &[
        Field::new("Path", "Path", &Type::Text),
        Field::new("Rate", "Rate", &Type::Uint64),
    ],
});

pub(super) const CONTAINER_DEVICE_MAPPING: Type = Type::Struct(&Struct {
    name: "container.DeviceMapping",
    fields: &[
        Field::new("PathOnHost", "PathOnHost", &Type::Text),
        Field::new("PathInContainer", "PathInContainer", &Type::Text),
        Field::new("CgroupPermissions", "CgroupPermissions", &Type::Text),
    ],
});

pub(super) const CONTAINER_DEVICE_REQUEST: Type = Type::Struct(&Struct {
    name: "container.DeviceRequest",
    fields: &[
        Field::new("Driver", "Driver", &Type::Text),
        Field::new("Count", "Count", &Type::Int),
        Field::new("DeviceIDs", "DeviceIDs", &Type::List(&Type::Text)),
        Field::new("Capabilities", "Capabilities", &Type::List(&Type::List(&Type::Text))),
        Field::new("Options", "Options", &Type::Map(&Type::Text, &Type::Text)),
    ],
});

pub(super) const UNITS_ULIMIT: Type = Type::Struct(&Struct {
    name: "units.Ulimit",
    fields: &[
        Field::new("Name", "Name", &Type::Text),
        Field::new("Hard", "Hard", &Type::Int64),
        Field::new("Soft", "Soft", &Type::Int64),
    ],
});

pub(super) const CONTAINER_RESOURCES: Type = Type::Struct(&Struct {
    name: "container.Resources",
    fields: &[
        Field::new("CPUShares", "CpuShares", &Type::Int64),
        Field::new("Memory", "Memory", &Type::Int64),
        Field::new("NanoCPUs", "NanoCpus", &Type::Int64),
        Field::new("CgroupParent", "CgroupParent", &Type::Text),
        Field::new("BlkioWeight", "BlkioWeight", &Type::Uint16),
        Field::new(
            "BlkioWeightDevice",
            "BlkioWeightDevice",
            &Type::List(&Type::Pointer(&BLKIODEV_WEIGHT_DEVICE)),
        ),
        Field::new(
            "BlkioDeviceReadBps",
            "BlkioDeviceReadBps",
            &Type::List(&Type::Pointer(&BLKIODEV_THROTTLE_DEVICE)),
        ),
        Field::new(
            "BlkioDeviceWriteBps",
            "BlkioDeviceWriteBps",
            &Type::List(&Type::Pointer(&BLKIODEV_THROTTLE_DEVICE)),
        ),
        Field::new(
            "BlkioDeviceReadIOps",
            "BlkioDeviceReadIOps",
            &Type::List(&Type::Pointer(&BLKIODEV_THROTTLE_DEVICE)),
        ),
        Field::new(
            "BlkioDeviceWriteIOps",
            "BlkioDeviceWriteIOps",
            &Type::List(&Type::Pointer(&BLKIODEV_THROTTLE_DEVICE)),
        ),
        Field::new("CPUPeriod", "CpuPeriod", &Type::Int64),
        Field::new("CPUQuota", "CpuQuota", &Type::Int64),
        Field::new("CPURealtimePeriod", "CpuRealtimePeriod", &Type::Int64),
        Field::new("CPURealtimeRuntime", "CpuRealtimeRuntime", &Type::Int64),
        Field::new("CpusetCpus", "CpusetCpus", &Type::Text),
        Field::new("CpusetMems", "CpusetMems", &Type::Text),
        Field::new("Devices", "Devices", &Type::List(&CONTAINER_DEVICE_MAPPING)),
        Field::new("DeviceCgroupRules", "DeviceCgroupRules", &Type::List(&Type::Text)),
        Field::new(
            "DeviceRequests",
            "DeviceRequests",
            &Type::List(&CONTAINER_DEVICE_REQUEST),
        ),
        Field::new("KernelMemory", "KernelMemory", &Type::Int64).omitted(),
        Field::new("KernelMemoryTCP", "KernelMemoryTCP", &Type::Int64).omitted(),
        Field::new("MemoryReservation", "MemoryReservation", &Type::Int64),
        Field::new("MemorySwap", "MemorySwap", &Type::Int64),
        Field::new("MemorySwappiness", "MemorySwappiness", &Type::Pointer(&Type::Int64)),
        Field::new("OomKillDisable", "OomKillDisable", &Type::Pointer(&Type::Bool)),
        Field::new("PidsLimit", "PidsLimit", &Type::Pointer(&Type::Int64)),
        Field::new("Ulimits", "Ulimits", &Type::List(&Type::Pointer(&UNITS_ULIMIT))),
        Field::new("CPUCount", "CpuCount", &Type::Int64),
        Field::new("CPUPercent", "CpuPercent", &Type::Int64),
        Field::new("IOMaximumIOps", "IOMaximumIOps", &Type::Uint64),
        Field::new("IOMaximumBandwidth", "IOMaximumBandwidth", &Type::Uint64),
    ],
});

pub(super) const MOUNT_BIND_OPTIONS: Type = Type::Struct(&Struct {
    name: "mount.BindOptions",
    fields: &[
        Field::new(
            "Propagation",
            "Propagation",
            &Type::Named("mount.Propagation", &Type::Text),
        )
        .omitted(),
        Field::new("NonRecursive", "NonRecursive", &Type::Bool).omitted(),
        Field::new("CreateMountpoint", "CreateMountpoint", &Type::Bool).omitted(),
        Field::new("ReadOnlyNonRecursive", "ReadOnlyNonRecursive", &Type::Bool).omitted(),
        Field::new("ReadOnlyForceRecursive", "ReadOnlyForceRecursive", &Type::Bool).omitted(),
    ],
});

pub(super) const MOUNT_DRIVER: Type = Type::Struct(&Struct {
    name: "mount.Driver",
    fields: &[
        Field::new("Name", "Name", &Type::Text).omitted(),
        Field::new("Options", "Options", &Type::Map(&Type::Text, &Type::Text)).omitted(),
    ],
});

pub(super) const MOUNT_VOLUME_OPTIONS: Type = Type::Struct(&Struct {
    name: "mount.VolumeOptions",
    fields: &[
        Field::new("NoCopy", "NoCopy", &Type::Bool).omitted(),
        Field::new("Labels", "Labels", &Type::Map(&Type::Text, &Type::Text)).omitted(),
        Field::new("Subpath", "Subpath", &Type::Text).omitted(),
        Field::new("DriverConfig", "DriverConfig", &Type::Pointer(&MOUNT_DRIVER)).omitted(),
    ],
});

pub(super) const MOUNT_IMAGE_OPTIONS: Type = Type::Struct(&Struct {
    name: "mount.ImageOptions",
    fields: &[Field::new("Subpath", "Subpath", &Type::Text).omitted()],
});

pub(super) const MOUNT_TMPFS_OPTIONS: Type = Type::Struct(&Struct {
    name: "mount.TmpfsOptions",
    fields: &[
        Field::new("SizeBytes", "SizeBytes", &Type::Int64).omitted(),
        Field::new("Mode", "Mode", &Type::Named("fs.FileMode", &Type::Uint32)).omitted(),
        Field::new("Options", "Options", &Type::List(&Type::List(&Type::Text))).omitted(),
    ],
});

pub(super) const MOUNT_CLUSTER_OPTIONS: Type = Type::Struct(&Struct {
    name: "mount.ClusterOptions",
    fields: &[],
});

pub(super) const MOUNT: Type = Type::Struct(&Struct {
    name: "mount.Mount",
    fields: &[
        Field::new("Type", "Type", &Type::Named("mount.Type", &Type::Text)).omitted(),
        Field::new("Source", "Source", &Type::Text).omitted(),
        Field::new("Target", "Target", &Type::Text).omitted(),
        Field::new("ReadOnly", "ReadOnly", &Type::Bool).omitted(),
        Field::new(
            "Consistency",
            "Consistency",
            &Type::Named("mount.Consistency", &Type::Text),
        )
        .omitted(),
        Field::new("BindOptions", "BindOptions", &Type::Pointer(&MOUNT_BIND_OPTIONS)).omitted(),
        Field::new("VolumeOptions", "VolumeOptions", &Type::Pointer(&MOUNT_VOLUME_OPTIONS)).omitted(),
        Field::new("ImageOptions", "ImageOptions", &Type::Pointer(&MOUNT_IMAGE_OPTIONS)).omitted(),
        Field::new("TmpfsOptions", "TmpfsOptions", &Type::Pointer(&MOUNT_TMPFS_OPTIONS)).omitted(),
        Field::new(
            "ClusterOptions",
            "ClusterOptions",
            &Type::Pointer(&MOUNT_CLUSTER_OPTIONS),
        )
        .omitted(),
    ],
});

pub(super) const CONTAINER_HOST_CONFIG: Type = Type::Struct(&Struct {
    name: "container.HostConfig",
    fields: &[
        Field::new("Binds", "Binds", &Type::List(&Type::Text)),
        Field::new("ContainerIDFile", "ContainerIDFile", &Type::Text),
        Field::new("LogConfig", "LogConfig", &CONTAINER_LOG_CONFIG),
        Field::new(
            "NetworkMode",
            "NetworkMode",
            &Type::Named("container.NetworkMode", &Type::Text),
        ),
        Field::new(
            "PortBindings",
            "PortBindings",
            &Type::Named(
                "nat.PortMap",
                &Type::Map(&Type::Named("nat.Port", &Type::Text), &Type::List(&NAT_PORT_BINDING)),
            ),
        ),
        Field::new("RestartPolicy", "RestartPolicy", &CONTAINER_RESTART_POLICY),
        Field::new("AutoRemove", "AutoRemove", &Type::Bool),
        Field::new("VolumeDriver", "VolumeDriver", &Type::Text),
        Field::new("VolumesFrom", "VolumesFrom", &Type::List(&Type::Text)),
        Field::new("ConsoleSize", "ConsoleSize", &Type::List(&Type::Uint64)),
        Field::new("Annotations", "Annotations", &Type::Map(&Type::Text, &Type::Text)).omitted(),
        Field::new(
            "CapAdd",
            "CapAdd",
            &Type::Named("strslice.StrSlice", &Type::List(&Type::Text)),
        ),
        Field::new(
            "CapDrop",
            "CapDrop",
            &Type::Named("strslice.StrSlice", &Type::List(&Type::Text)),
        ),
        Field::new(
            "CgroupnsMode",
            "CgroupnsMode",
            &Type::Named("container.CgroupnsMode", &Type::Text),
        ),
        Field::new("DNS", "Dns", &Type::List(&Type::Text)),
        Field::new("DNSOptions", "DnsOptions", &Type::List(&Type::Text)),
        Field::new("DNSSearch", "DnsSearch", &Type::List(&Type::Text)),
        Field::new("ExtraHosts", "ExtraHosts", &Type::List(&Type::Text)),
        Field::new("GroupAdd", "GroupAdd", &Type::List(&Type::Text)),
        Field::new("IpcMode", "IpcMode", &Type::Named("container.IpcMode", &Type::Text)),
        Field::new("Cgroup", "Cgroup", &Type::Named("container.CgroupSpec", &Type::Text)),
        Field::new("Links", "Links", &Type::List(&Type::Text)),
        Field::new("OomScoreAdj", "OomScoreAdj", &Type::Int),
        Field::new("PidMode", "PidMode", &Type::Named("container.PidMode", &Type::Text)),
        Field::new("Privileged", "Privileged", &Type::Bool),
        Field::new("PublishAllPorts", "PublishAllPorts", &Type::Bool),
        Field::new("ReadonlyRootfs", "ReadonlyRootfs", &Type::Bool),
        Field::new("SecurityOpt", "SecurityOpt", &Type::List(&Type::Text)),
        Field::new("StorageOpt", "StorageOpt", &Type::Map(&Type::Text, &Type::Text)).omitted(),
        Field::new("Tmpfs", "Tmpfs", &Type::Map(&Type::Text, &Type::Text)).omitted(),
        Field::new("UTSMode", "UTSMode", &Type::Named("container.UTSMode", &Type::Text)),
        Field::new(
            "UsernsMode",
            "UsernsMode",
            &Type::Named("container.UsernsMode", &Type::Text),
        ),
        Field::new("ShmSize", "ShmSize", &Type::Int64),
        Field::new("Sysctls", "Sysctls", &Type::Map(&Type::Text, &Type::Text)).omitted(),
        Field::new("Runtime", "Runtime", &Type::Text).omitted(),
        Field::new(
            "Isolation",
            "Isolation",
            &Type::Named("container.Isolation", &Type::Text),
        ),
        Field::new("Resources", "", &CONTAINER_RESOURCES),
        Field::new("Mounts", "Mounts", &Type::List(&MOUNT)).omitted(),
        Field::new("MaskedPaths", "MaskedPaths", &Type::List(&Type::Text)),
        Field::new("ReadonlyPaths", "ReadonlyPaths", &Type::List(&Type::Text)),
        Field::new("Init", "Init", &Type::Pointer(&Type::Bool)).omitted(),
    ],
});
