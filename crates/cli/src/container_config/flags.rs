//! The flags that `run` and `create` share.

use crate::flag::{Flag, Kind};
use crate::option::{address, device, environment, pair};

const fn new(name: &'static str, kind: Kind, about: &'static str) -> Flag {
    Flag::new(name, kind, about)
}

/// Sorted by name.
pub(crate) const FLAGS: &[Flag] = &[
    new(
        "add-host",
        Kind::Checked(address::check_host),
        "Add a name to the container's hosts file (name:address)",
    ),
    new("annotation", Kind::Map, "Add an annotation for the runtime").default("map[]"),
    new(
        "attach",
        Kind::Checked(address::check_stream),
        "Connect to STDIN, STDOUT or STDERR",
    )
    .short('a'),
    new(
        "blkio-weight",
        Kind::Unsigned(16),
        "Relative weight of block I/O, 10 to 1000, or 0 for none",
    )
    .default("0"),
    new(
        "blkio-weight-device",
        Kind::DeviceWeight,
        "Relative weight of one block device",
    )
    .default("[]"),
    new("cap-add", Kind::List, "Add Linux capabilities"),
    new("cap-drop", Kind::List, "Take Linux capabilities away"),
    new(
        "cgroup-parent",
        Kind::Text,
        "Control group under which the container's is made",
    ),
    new(
        "cgroupns",
        Kind::Text,
        "Control group namespace: the host's (host) or its own (private)",
    ),
    new("cidfile", Kind::Text, "Write the container's id to this file"),
    new("cpu-count", Kind::Integer, "Number of processors (Windows only)"),
    new("cpu-percent", Kind::Integer, "Percentage of processors (Windows only)"),
    new(
        "cpu-period",
        Kind::Integer,
        "Length of the scheduler's period in microseconds",
    ),
    new("cpu-quota", Kind::Integer, "Processor time per period in microseconds"),
    new(
        "cpu-rt-period",
        Kind::Integer,
        "Length of the real-time period in microseconds",
    ),
    new(
        "cpu-rt-runtime",
        Kind::Integer,
        "Real-time processor time per period in microseconds",
    ),
    new("cpu-shares", Kind::Integer, "Relative weight of processor time").short('c'),
    new("cpus", Kind::Decimal, "Number of processors"),
    new("cpuset-cpus", Kind::Text, "Processors to run on (0-3, 0,1)"),
    new("cpuset-mems", Kind::Text, "Memory nodes to use (0-3, 0,1)"),
    new("device", Kind::List, "Add a device of the host"),
    new(
        "device-cgroup-rule",
        Kind::Checked(device::check_rule),
        "Add a rule to the list of allowed devices",
    ),
    new(
        "device-read-bps",
        Kind::DeviceBytes,
        "Limit of bytes read per second from a device",
    )
    .default("[]"),
    new(
        "device-read-iops",
        Kind::DeviceOperations,
        "Limit of reads per second from a device",
    )
    .default("[]"),
    new(
        "device-write-bps",
        Kind::DeviceBytes,
        "Limit of bytes written per second to a device",
    )
    .default("[]"),
    new(
        "device-write-iops",
        Kind::DeviceOperations,
        "Limit of writes per second to a device",
    )
    .default("[]"),
    new("disable-content-trust", Kind::Bool, "Skip image verification").hidden(),
    new("dns", Kind::Checked(address::check_ip), "Use this name server"),
    new("dns-opt", Kind::List, "").hidden(),
    new("dns-option", Kind::List, "Set an option of the resolver"),
    new("dns-search", Kind::Checked(address::check_domain), "Search this domain"),
    new("domainname", Kind::Text, "Domain name of the container"),
    new("entrypoint", Kind::Text, "Run this instead of the image's ENTRYPOINT"),
    new("env", Kind::Checked(environment::check), "Set an environment variable").short('e'),
    new("env-file", Kind::List, "Read environment variables from a file"),
    new("expose", Kind::List, "Offer a port or a range of ports"),
    new("gpus", Kind::Gpus, "GPUs to add ('all' for every one)"),
    new("group-add", Kind::List, "Join further groups"),
    new("health-cmd", Kind::Text, "Command that checks the container's health"),
    new("health-interval", Kind::Duration, "Time between two checks (ms|s|m|h)").default("0s"),
    new("health-retries", Kind::Integer, "Failures in a row that mean unhealthy"),
    new(
        "health-start-interval",
        Kind::Duration,
        "Time between two checks while starting (ms|s|m|h)",
    )
    .default("0s"),
    new(
        "health-start-period",
        Kind::Duration,
        "Time to start, during which failures do not count (ms|s|m|h)",
    )
    .default("0s"),
    new(
        "health-timeout",
        Kind::Duration,
        "Longest time a check may take (ms|s|m|h)",
    )
    .default("0s"),
    new("help", Kind::Bool, "Print usage"),
    new("hostname", Kind::Text, "Host name of the container").short('h'),
    new(
        "init",
        Kind::Bool,
        "Run a small init that passes signals on and reaps processes",
    ),
    new("interactive", Kind::Bool, "Keep STDIN open even if not attached").short('i'),
    new(
        "io-maxbandwidth",
        Kind::Bytes,
        "Maximum I/O bandwidth of the system drive (Windows only)",
    ),
    new(
        "io-maxiops",
        Kind::Unsigned(64),
        "Maximum I/O operations of the system drive (Windows only)",
    ),
    new("ip", Kind::Text, "IPv4 address (172.30.100.104)"),
    new("ip6", Kind::Text, "IPv6 address (2001:db8::33)"),
    new("ipc", Kind::Text, "IPC namespace to use"),
    new("isolation", Kind::Text, "Isolation technology"),
    new("kernel-memory", Kind::Bytes, "Limit of kernel memory"),
    new("label", Kind::Checked(pair::check_label), "Set a label").short('l'),
    new("label-file", Kind::List, "Read labels from a file, one a line"),
    new("link", Kind::Checked(address::check_link), "Link to another container"),
    new("link-local-ip", Kind::Checked(address::check_ip), "Link-local address"),
    new("log-driver", Kind::Text, "Where the container's output is logged"),
    new("log-opt", Kind::List, "Option of the log driver"),
    new("mac-address", Kind::Text, "Hardware address (92:d0:c6:0a:29:33)"),
    new("memory", Kind::Bytes, "Limit of memory").short('m'),
    new(
        "memory-reservation",
        Kind::Bytes,
        "Memory the container gets back to under pressure",
    ),
    new(
        "memory-swap",
        Kind::SwapBytes,
        "Limit of memory and swap together, -1 for any amount of swap",
    ),
    new(
        "memory-swappiness",
        Kind::Integer,
        "How readily memory is swapped out (0 to 100)",
    )
    .default("-1"),
    new("mount", Kind::Mount, "Attach a mount"),
    new("name", Kind::Text, "Name of the container"),
    new("net", Kind::Network, "").hidden(),
    new("net-alias", Kind::List, "").hidden(),
    new("network", Kind::Network, "Join a network"),
    new(
        "network-alias",
        Kind::List,
        "Name under which others find the container in its network",
    ),
    new("no-healthcheck", Kind::Bool, "Switch the image's HEALTHCHECK off"),
    new(
        "oom-kill-disable",
        Kind::Bool,
        "Do not kill the container when memory runs out",
    ),
    new(
        "oom-score-adj",
        Kind::Integer,
        "Preference of the kernel when memory runs out (-1000 to 1000)",
    ),
    new("pid", Kind::Text, "PID namespace to use"),
    new("pids-limit", Kind::Integer, "Limit of processes (-1 for none)"),
    new("platform", Kind::Text, "Platform of the image"),
    new("privileged", Kind::Bool, "Give every privilege of the host"),
    new("publish", Kind::List, "Make a port reachable on the host").short('p'),
    new(
        "publish-all",
        Kind::Bool,
        "Make every exposed port reachable on a free port of the host",
    )
    .short('P'),
    new(
        "pull",
        Kind::Text,
        "When to pull the image (\"always\", \"missing\", \"never\")",
    )
    .default("\"missing\""),
    new("quiet", Kind::Bool, "Do not show the progress of pulling").short('q'),
    new("read-only", Kind::Bool, "Mount the container's root read-only"),
    new("restart", Kind::Text, "When to start the container again").default("\"no\""),
    new(
        "rm",
        Kind::Bool,
        "Remove the container and its anonymous volumes when it ends",
    ),
    new("runtime", Kind::Text, "Runtime to use"),
    new("security-opt", Kind::List, "Security options"),
    new("shm-size", Kind::Bytes, "Size of /dev/shm"),
    new("stop-signal", Kind::Text, "Signal that stops the container"),
    new(
        "stop-timeout",
        Kind::Integer,
        "Seconds between that signal and the end by force",
    ),
    new("storage-opt", Kind::List, "Option of the storage driver"),
    new("sysctl", Kind::CheckedMap(pair::check_sysctl), "Set a kernel parameter").default("map[]"),
    new("tmpfs", Kind::List, "Mount a tmpfs"),
    new("tty", Kind::Bool, "Give the container a terminal").short('t'),
    new("ulimit", Kind::Ulimit, "Limit of a resource per process").default("[]"),
    new("use-api-socket", Kind::Bool, "Give the container the engine's socket").hidden(),
    new("user", Kind::Text, "User name or id (user[:group])").short('u'),
    new("userns", Kind::Text, "User namespace to use"),
    new("uts", Kind::Text, "UTS namespace to use"),
    new("volume", Kind::List, "Mount a directory or volume").short('v'),
    new("volume-driver", Kind::Text, "Driver of the container's volumes"),
    new("volumes-from", Kind::List, "Mount the volumes of another container"),
    new("workdir", Kind::Text, "Working directory").short('w'),
];
