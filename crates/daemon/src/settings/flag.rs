//! Every flag that `dockerd` 28.5 knows, and what becomes of it here. The table is the whole truth:
//! a known flag takes effect, has nothing to act on, or is refused by name.

/// One flag and its key in `daemon.json`.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Name without dashes.
    pub name: &'static str,
    /// One-letter form.
    pub short: Option<char>,
    /// Key in the configuration file; empty: none.
    pub key: &'static str,
    /// What its values look like.
    pub kind: Kind,
    /// What becomes of it.
    pub effect: Effect,
}

/// What the values of a flag look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `--flag`, `--flag=false`.
    Bool,
    /// One value; the last wins.
    Text,
    /// May be repeated; a comma separates nothing.
    List,
}

/// What becomes of a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It takes effect.
    Used,
    /// There is nothing here that it could change (other programs of Docker, for example).
    Moot,
    /// Only these values, which say what is so anyway; others are refused by name.
    Only(&'static [&'static str]),
    /// Not built yet: refused by name.
    Refused,
}

const fn flag(name: &'static str, kind: Kind, effect: Effect) -> Flag {
    Flag {
        name,
        short: None,
        key: name,
        kind,
        effect,
    }
}

const fn short(name: &'static str, short: char, kind: Kind, effect: Effect) -> Flag {
    Flag {
        name,
        short: Some(short),
        key: name,
        kind,
        effect,
    }
}

const fn keyed(name: &'static str, key: &'static str, kind: Kind, effect: Effect) -> Flag {
    Flag {
        name,
        short: None,
        key,
        kind,
        effect,
    }
}

use Effect::{Moot, Only, Refused, Used};
use Kind::{Bool, List, Text};

const OFF: Effect = Only(&["false"]);
const ON: Effect = Only(&["true"]);

/// The table.
pub const FLAGS: &[Flag] = &[
    keyed("add-runtime", "runtimes", List, Refused),
    flag("allow-direct-routing", Bool, OFF),
    keyed("authorization-plugin", "authorization-plugins", List, Refused),
    flag("bip", Text, Used),
    flag("bip6", Text, Refused),
    short("bridge", 'b', Text, Used),
    keyed("cdi-spec-dir", "cdi-spec-dirs", List, Moot),
    flag("cgroup-parent", Text, Used),
    keyed("config-file", "", Text, Used),
    flag("containerd", Text, Moot),
    flag("containerd-namespace", Text, Moot),
    flag("containerd-plugins-namespace", Text, Moot),
    flag("cpu-rt-period", Text, Only(&["0"])),
    flag("cpu-rt-runtime", Text, Only(&["0"])),
    flag("cri-containerd", Bool, Moot),
    flag("data-root", Text, Used),
    short("debug", 'D', Bool, Used),
    keyed("default-address-pool", "default-address-pools", List, Used),
    flag("default-cgroupns-mode", Text, Refused),
    flag("default-gateway", Text, Refused),
    flag("default-gateway-v6", Text, Refused),
    flag("default-ipc-mode", Text, Only(&["private"])),
    keyed("default-network-opt", "default-network-opts", List, Refused),
    flag("default-runtime", Text, Only(&["runc", "corten"])),
    flag("default-shm-size", Text, Used),
    keyed("default-ulimit", "default-ulimits", List, Used),
    flag("dns", List, Used),
    keyed("dns-opt", "dns-opts", List, Used),
    flag("dns-search", List, Used),
    keyed("exec-opt", "exec-opts", List, Only(&["native.cgroupdriver=cgroupfs"])),
    flag("exec-root", Text, Used),
    flag("experimental", Bool, OFF),
    keyed("feature", "features", List, Refused),
    flag("fixed-cidr", Text, Used),
    flag("fixed-cidr-v6", Text, Refused),
    short("group", 'G', Text, Used),
    keyed("help", "", Bool, Used),
    Flag {
        name: "host",
        short: Some('H'),
        key: "hosts",
        kind: List,
        effect: Used,
    },
    keyed("host-gateway-ip", "host-gateway-ips", List, Refused),
    keyed("http-proxy", "", Text, Refused),
    keyed("https-proxy", "", Text, Refused),
    flag("icc", Bool, Used),
    flag("init", Bool, Used),
    flag("init-path", Text, Used),
    keyed("insecure-registry", "insecure-registries", List, Moot),
    flag("ip", Text, Used),
    flag("ip-forward", Bool, Used),
    flag("ip-forward-no-drop", Bool, Moot),
    flag("ip-masq", Bool, Used),
    flag("ip6tables", Bool, ON),
    flag("iptables", Bool, ON),
    flag("ipv6", Bool, OFF),
    keyed("label", "labels", List, Used),
    flag("live-restore", Bool, Used),
    flag("log-driver", Text, Used),
    flag("log-format", Text, Only(&["text"])),
    short("log-level", 'l', Text, Used),
    keyed("log-opt", "log-opts", List, Used),
    flag("max-concurrent-downloads", Text, Moot),
    flag("max-concurrent-uploads", Text, Moot),
    flag("max-download-attempts", Text, Moot),
    flag("metrics-addr", Text, Refused),
    flag("min-api-version", Text, Only(&["1.24"])),
    flag("mtu", Text, Used),
    flag("network-control-plane-mtu", Text, Moot),
    flag("no-new-privileges", Bool, Used),
    keyed("no-proxy", "", Text, Refused),
    keyed("node-generic-resource", "node-generic-resources", List, Refused),
    short("pidfile", 'p', Text, Used),
    flag("raw-logs", Bool, Moot),
    keyed("registry-mirror", "registry-mirrors", List, Refused),
    keyed("rootless", "", Bool, OFF),
    flag("seccomp-profile", Text, Used),
    flag("selinux-enabled", Bool, OFF),
    flag("shutdown-timeout", Text, Used),
    short("storage-driver", 's', Text, Only(&["overlay2"])),
    keyed("storage-opt", "storage-opts", List, Refused),
    flag("swarm-default-advertise-addr", Text, Moot),
    flag("tls", Bool, Used),
    flag("tlscacert", Text, Used),
    flag("tlscert", Text, Used),
    flag("tlskey", Text, Used),
    flag("tlsverify", Bool, Used),
    flag("userland-proxy", Bool, Moot),
    flag("userland-proxy-path", Text, Moot),
    flag("userns-remap", Text, Refused),
    keyed("validate", "", Bool, Used),
    Flag {
        name: "version",
        short: Some('v'),
        key: "",
        kind: Bool,
        effect: Used,
    },
];

/// The flag of a name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.name == name)
}

/// The flag of a letter.
#[must_use]
pub fn by_letter(letter: char) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.short == Some(letter))
}

/// The flag of a key in the configuration file.
#[must_use]
pub fn by_key(key: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| !flag.key.is_empty() && flag.key == key)
}
