//! Every flag that `dockerd` 28.5 knows, every key of its configuration file, and what becomes of it here.
//! The table is the whole truth: a known one takes effect, has nothing to act on, or is refused by name.
//! `--clean` is ours.

/// One flag, one key in `daemon.json`, or both.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Name without dashes; the key's name where there is no flag.
    pub name: &'static str,
    /// One-letter form.
    pub short: Option<char>,
    /// Key in the configuration file; empty: none.
    pub key: &'static str,
    /// Only a key.
    pub only_key: bool,
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
    /// A whole number.
    Number,
    /// One value; the last wins.
    Text,
    /// A text or a number in the file.
    Size,
    /// May be repeated; a comma separates nothing.
    List,
    /// `name=text`, an object in the file.
    Map,
    /// `name=boolean`, an object in the file.
    BoolMap,
    /// Repeated on the command line; in the file it has a shape of its own.
    Objects,
    /// Anything; only in the file.
    Any,
}

/// What becomes of a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It takes effect.
    Used,
    /// There is nothing here that it could change (other programs of Docker, for example).
    Moot,
    /// Not built yet, and harmless to leave out: said in the log.
    Ignored,
    /// These values take effect or say what is so anyway; others do nothing yet, which is said in the log.
    Usual(&'static [&'static str]),
    /// Only these values, which say what is so anyway; others are refused by name.
    Only(&'static [&'static str]),
    /// Not built yet: refused by name.
    Refused,
    /// Docker has given it up and says so.
    Gone(&'static str),
}

const fn flag(name: &'static str, kind: Kind, effect: Effect) -> Flag {
    keyed(name, name, kind, effect)
}

const fn short(name: &'static str, short: char, kind: Kind, effect: Effect) -> Flag {
    Flag {
        short: Some(short),
        ..flag(name, kind, effect)
    }
}

const fn keyed(name: &'static str, key: &'static str, kind: Kind, effect: Effect) -> Flag {
    Flag {
        name,
        short: None,
        key,
        only_key: false,
        kind,
        effect,
    }
}

const fn key(name: &'static str, kind: Kind, effect: Effect) -> Flag {
    Flag {
        only_key: true,
        ..flag(name, kind, effect)
    }
}

use Effect::{Gone, Ignored, Moot, Only, Refused, Used, Usual};
use Kind::{Any, Bool, BoolMap, List, Map, Number, Objects, Size, Text};

const OFF: Effect = Only(&["false"]);
/// Of the features only these mean something here.
const FEATURES: Effect = Usual(&[
    "buildkit=true",
    "buildkit=false",
    "cdi=true",
    "cdi=false",
    "buildkit",
    "cdi",
]);
const NO_CORS: Effect = Gone(
    "DEPRECATED: The \"api-cors-header\" config parameter and the dockerd \"--api-cors-header\" option have been \
     removed; use a reverse proxy if you need CORS headers",
);

/// The table.
pub const FLAGS: &[Flag] = &[
    keyed("add-runtime", "runtimes", Objects, Ignored),
    flag("allow-direct-routing", Bool, Used),
    flag("allow-nondistributable-artifacts", List, Moot),
    flag("api-cors-header", Text, NO_CORS),
    keyed("authorization-plugin", "authorization-plugins", List, Refused),
    flag("bip", Text, Used),
    flag("bip6", Text, Used),
    short("bridge", 'b', Text, Used),
    key("bridge-accept-fwmark", Text, Refused),
    key("builder", Any, Moot),
    keyed("cdi-spec-dir", "cdi-spec-dirs", List, Used),
    flag("cgroup-parent", Text, Used),
    keyed("config-file", "", Text, Used),
    keyed("clean", "", Bool, Used),
    flag("containerd", Text, Moot),
    flag("containerd-namespace", Text, Moot),
    keyed(
        "containerd-plugins-namespace",
        "containerd-plugin-namespace",
        Text,
        Moot,
    ),
    flag("cpu-rt-period", Number, Only(&["0"])),
    flag("cpu-rt-runtime", Number, Only(&["0"])),
    flag("cri-containerd", Bool, Moot),
    flag("data-root", Text, Used),
    short("debug", 'D', Bool, Used),
    keyed("default-address-pool", "default-address-pools", Objects, Used),
    flag("default-cgroupns-mode", Text, Used),
    flag("default-gateway", Text, Refused),
    flag("default-gateway-v6", Text, Refused),
    flag("default-ipc-mode", Text, Used),
    keyed("default-network-opt", "default-network-opts", Objects, Used),
    flag("default-runtime", Text, Only(&["runc", "corten"])),
    flag("default-shm-size", Size, Used),
    keyed("default-ulimit", "default-ulimits", Objects, Used),
    key("deprecated-key-path", Text, Moot),
    flag("dns", List, Used),
    keyed("dns-opt", "dns-opts", List, Used),
    flag("dns-search", List, Used),
    keyed("exec-opt", "exec-opts", List, Used),
    flag("exec-root", Text, Used),
    flag("experimental", Bool, Used),
    keyed("feature", "features", BoolMap, FEATURES),
    flag("fixed-cidr", Text, Used),
    flag("fixed-cidr-v6", Text, Used),
    short("group", 'G', Text, Used),
    keyed("help", "", Bool, Used),
    Flag {
        short: Some('H'),
        ..keyed("host", "hosts", List, Used)
    },
    keyed("host-gateway-ip", "host-gateway-ips", List, Used),
    key("host-gateway-ip", Text, Used),
    flag("http-proxy", Text, Used),
    flag("https-proxy", Text, Used),
    flag("icc", Bool, Used),
    flag("init", Bool, Used),
    flag("init-path", Text, Used),
    keyed("insecure-registry", "insecure-registries", List, Used),
    flag("ip", Text, Used),
    flag("ip-forward", Bool, Used),
    flag("ip-forward-no-drop", Bool, Used),
    flag("ip-masq", Bool, Used),
    flag("ip6tables", Bool, Used),
    flag("iptables", Bool, Used),
    flag("ipv6", Bool, Used),
    keyed("label", "labels", List, Used),
    flag("live-restore", Bool, Used),
    flag("log-driver", Text, Used),
    flag("log-format", Text, Used),
    short("log-level", 'l', Text, Used),
    keyed("log-opt", "log-opts", Map, Used),
    flag("max-concurrent-downloads", Number, Used),
    flag("max-concurrent-uploads", Number, Used),
    flag("max-download-attempts", Number, Used),
    flag("metrics-addr", Text, Used),
    flag("mtu", Number, Used),
    flag("network-control-plane-mtu", Number, Moot),
    flag("no-new-privileges", Bool, Used),
    flag("no-proxy", Text, Used),
    keyed("node-generic-resource", "node-generic-resources", List, Ignored),
    short("pidfile", 'p', Text, Used),
    flag("raw-logs", Bool, Moot),
    keyed("registry-mirror", "registry-mirrors", List, Used),
    key("resolv-conf", Text, Refused),
    flag("rootless", Bool, OFF),
    flag("seccomp-profile", Text, Used),
    flag("selinux-enabled", Bool, OFF),
    flag("shutdown-timeout", Number, Used),
    short("storage-driver", 's', Text, Only(&["overlay2"])),
    keyed("storage-opt", "storage-opts", List, Refused),
    flag("swarm-default-advertise-addr", Text, Moot),
    key("swarm-raft-election-tick", Number, Moot),
    key("swarm-raft-heartbeat-tick", Number, Moot),
    flag("tls", Bool, Used),
    flag("tlscacert", Text, Used),
    flag("tlscert", Text, Used),
    flag("tlskey", Text, Used),
    flag("tlsverify", Bool, Used),
    flag("userland-proxy", Bool, Used),
    flag("userland-proxy-path", Text, Ignored),
    flag("userns-remap", Text, Used),
    keyed("validate", "", Bool, Used),
    Flag {
        short: Some('v'),
        ..keyed("version", "", Bool, Used)
    },
];

/// The flag of a name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| !flag.only_key && flag.name == name)
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

impl Flag {
    /// Whether its values are kept one by one rather than the last alone.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        matches!(self.kind, Kind::List | Kind::Map | Kind::BoolMap | Kind::Objects)
    }

    /// What the log says about its values, if they were given in vain.
    #[must_use]
    pub fn remark(&self, values: &[String]) -> Option<String> {
        let is_off = |value: &String| value.is_empty() || value == "false";
        let given = values.iter().map(String::as_str);
        let vain: Vec<&str> = match self.effect {
            Effect::Ignored => given.collect(),
            Effect::Usual(usual) => given.filter(|value| !usual.contains(value)).collect(),
            Effect::Moot if !values.iter().all(is_off) => {
                return Some(format!("--{} has no effect in Corten", self.name));
            }
            Effect::Moot | Effect::Used | Effect::Only(_) | Effect::Refused | Effect::Gone(_) => return None,
        };
        (!vain.is_empty()).then(|| format!("--{} {} does nothing yet", self.name, vain.join(", ")))
    }

    /// `--debug`, or `-D, --debug`, as Docker names it in complaints.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.short {
            Some(letter) => format!("-{letter}, --{}", self.name),
            None => format!("--{}", self.name),
        }
    }
}
