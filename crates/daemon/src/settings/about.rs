//! What `--help` says: one line for each flag that takes effect.

use super::flag::{Effect, FLAGS, Flag};

/// Columns before the sentences.
const WIDTH: usize = 36;

/// The help page of the program.
#[must_use]
pub fn help(program: &str) -> String {
    let mut text = format!(
        "Usage: {program} [OPTIONS]\n\nThe Corten daemon. Flags are dockerd's; these take effect.\n\nOptions:\n"
    );
    for flag in FLAGS.iter().filter(|flag| is_shown(flag)) {
        let (word, sentence) = about(flag.name).unwrap_or_default();
        let short = flag.short.map_or("    ".to_owned(), |letter| format!("-{letter}, "));
        let term = format!("  {short}--{} {word}", flag.name);
        text.push_str(&format!("{:WIDTH$} {sentence}\n", term.trim_end()));
    }
    text.push_str("\nEach may stand in the configuration file instead; a reload (SIGHUP) reads it again.\n");
    text
}

/// Keys without a flag and what only Docker's programs would act on are left out.
fn is_shown(flag: &Flag) -> bool {
    !flag.only_key && matches!(flag.effect, Effect::Used | Effect::Usual(_))
}

/// What a flag's value looks like and what it does; defaults are Corten's, not those under the name `dockerd`.
fn about(name: &str) -> Option<(&'static str, &'static str)> {
    let row = ABOUT.iter().find(|(flag, _, _)| *flag == name)?;
    Some((row.1, row.2))
}

const ABOUT: &[(&str, &str, &str)] = &[
    (
        "allow-direct-routing",
        "",
        "Let other hosts reach published ports at the containers' own addresses",
    ),
    (
        "bip",
        "string",
        "IPv4 address of the default bridge, with its prefix: 172.17.0.1/16",
    ),
    ("bip6", "string", "IPv6 address of the default bridge, with its prefix"),
    (
        "bridge",
        "string",
        "Bridge to use for the default network; none: there is no default network",
    ),
    ("cdi-spec-dir", "list", "Directories with descriptions of devices (CDI)"),
    (
        "cgroup-parent",
        "string",
        "Control group above those of the containers (default \"corten\")",
    ),
    (
        "clean",
        "",
        "Remove what a daemon that has ended left in the kernel, and end",
    ),
    (
        "config-file",
        "string",
        "Configuration file (default \"/etc/corten/daemon.json\")",
    ),
    (
        "data-root",
        "string",
        "Directory of images, containers and volumes (default \"/var/lib/corten\")",
    ),
    ("debug", "", "Log more"),
    (
        "default-address-pool",
        "list",
        "Addresses for networks that are created without any: base=10.10.0.0/16,size=24",
    ),
    (
        "default-cgroupns-mode",
        "string",
        "Control group namespace of containers: host or private (default: private with cgroup v2)",
    ),
    (
        "default-ipc-mode",
        "string",
        "IPC namespace of containers: shareable or private (default \"private\")",
    ),
    (
        "default-network-opt",
        "list",
        "Options of new networks, by driver: bridge=NAME=VALUE",
    ),
    (
        "default-shm-size",
        "bytes",
        "Size of /dev/shm in containers (default 64MiB)",
    ),
    (
        "default-ulimit",
        "list",
        "Resource limits of containers: nofile=SOFT:HARD",
    ),
    ("dns", "list", "Name servers of containers (default: the host's)"),
    ("dns-opt", "list", "Resolver options of containers"),
    ("dns-search", "list", "Search domains of containers"),
    (
        "exec-opt",
        "list",
        "How containers are run: native.cgroupdriver=cgroupfs or systemd",
    ),
    (
        "exec-root",
        "string",
        "Directory of sockets and of what runs, empty after a reboot (default \"/run/corten\")",
    ),
    ("experimental", "", "Say that experimental features are on"),
    (
        "feature",
        "list",
        "Switch features of the engine: NAME=true or NAME=false",
    ),
    (
        "fixed-cidr",
        "string",
        "Part of the default bridge's IPv4 subnet that containers get their addresses from",
    ),
    ("fixed-cidr-v6", "string", "IPv6 subnet of the default bridge"),
    (
        "group",
        "string",
        "Group that may use the unix socket (default \"docker\")",
    ),
    ("help", "", "Print this text and end"),
    (
        "host",
        "list",
        "Where to listen: unix:///path, tcp://address:port, fd:// (default \"unix:///run/corten/corten.sock\")",
    ),
    (
        "host-gateway-ip",
        "list",
        "Addresses that host-gateway stands for in --add-host (default: the default bridge's)",
    ),
    ("http-proxy", "string", "Proxy for outgoing http:// calls"),
    ("https-proxy", "string", "Proxy for outgoing https:// calls"),
    (
        "icc",
        "",
        "Let containers on the default bridge reach each other (default true)",
    ),
    (
        "init",
        "",
        "Give each container an init that forwards signals and reaps processes",
    ),
    (
        "init-path",
        "string",
        "The program of that init (default: corten-init beside this program)",
    ),
    (
        "insecure-registry",
        "list",
        "Registries that may be used without verified certificates",
    ),
    (
        "ip",
        "string",
        "Host address of published ports that name none (default 0.0.0.0)",
    ),
    (
        "ip-forward",
        "",
        "Switch on forwarding of packets on this host (default true)",
    ),
    (
        "ip-forward-no-drop",
        "",
        "Do not drop forwarded packets of others when forwarding is switched on",
    ),
    (
        "ip-masq",
        "",
        "Hide containers' addresses behind this host's (default true)",
    ),
    ("ip6tables", "", "Keep firewall rules for IPv6 (default true)"),
    (
        "iptables",
        "",
        "Keep firewall rules for IPv4, in nftables (default true)",
    ),
    ("ipv6", "", "Give the default bridge IPv6 addresses"),
    ("label", "list", "Labels of this daemon, shown by info"),
    (
        "live-restore",
        "",
        "Let containers go on when the daemon ends (default true)",
    ),
    (
        "log-driver",
        "string",
        "Where containers' output goes (default \"json-file\")",
    ),
    (
        "log-format",
        "string",
        "The daemon's own log: text or json (default \"text\")",
    ),
    (
        "log-level",
        "string",
        "What the daemon logs: debug, info, warn, error or fatal (default \"info\")",
    ),
    ("log-opt", "map", "Options of the log driver: max-size=10m"),
    (
        "max-concurrent-downloads",
        "int",
        "Layers that one pull fetches at the same time (default 3)",
    ),
    (
        "max-concurrent-uploads",
        "int",
        "Layers that one push sends at the same time (default 5)",
    ),
    (
        "max-download-attempts",
        "int",
        "Attempts for each layer of a pull (default 5)",
    ),
    ("metrics-addr", "string", "Address and port where metrics are served"),
    (
        "mtu",
        "int",
        "Largest packet on the default bridge, in bytes (default 1500)",
    ),
    (
        "no-new-privileges",
        "",
        "Keep containers from gaining privileges, unless they say otherwise",
    ),
    ("no-proxy", "string", "Hosts that are called without a proxy"),
    (
        "pidfile",
        "string",
        "File with the daemon's process id (default \"/run/corten/cortend.pid\")",
    ),
    ("registry-mirror", "list", "Registries to ask before Docker Hub"),
    (
        "seccomp-profile",
        "string",
        "Filter of system calls: a file, builtin or unconfined (default \"builtin\")",
    ),
    (
        "shutdown-timeout",
        "int",
        "Seconds that containers get at the daemon's end (default 15)",
    ),
    ("tls", "", "Serve tcp:// with TLS"),
    (
        "tlscacert",
        "string",
        "Certificates of who may sign clients' (default \"~/.docker/ca.pem\")",
    ),
    (
        "tlscert",
        "string",
        "This daemon's certificate (default \"~/.docker/cert.pem\")",
    ),
    ("tlskey", "string", "Its key (default \"~/.docker/key.pem\")"),
    (
        "tlsverify",
        "",
        "Serve tcp:// with TLS, to clients with a certificate alone",
    ),
    (
        "userland-proxy",
        "",
        "Serve published ports where the kernel alone does not lead: [::1], IPv6 to IPv4 (default true)",
    ),
    (
        "userns-remap",
        "string",
        "User whose subordinate ids containers run with; default: the user dockremap",
    ),
    ("validate", "", "Check the configuration and end"),
    ("version", "", "Print the version and end"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flag_has_its_line() {
        for flag in FLAGS.iter().filter(|flag| is_shown(flag)) {
            assert!(about(flag.name).is_some(), "{} has no sentence", flag.name);
        }
        let page = help("cortend");
        assert!(page.contains("\n  -H, --host list "), "{page}");
        assert!(page.contains("\n      --tlsverify "), "{page}");
        for line in page.lines().filter(|line| line.trim_start().starts_with('-')) {
            let (term, sentence) = line.split_at(WIDTH);
            assert!(
                sentence.starts_with(' ') && term.trim_start().starts_with('-'),
                "{line}"
            );
        }
    }

    #[test]
    fn no_line_is_of_a_flag_that_is_gone() {
        for (name, _, _) in ABOUT {
            assert!(FLAGS.iter().any(|flag| flag.name == *name), "{name}");
        }
    }
}
