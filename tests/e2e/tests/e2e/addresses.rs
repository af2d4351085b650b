//! Addresses: those of the host that lead to containers, those that `/etc/hosts` tells, and networks and hardware addresses
//! that a creation names beside its mode.

use anyhow::{Result, ensure};
use corten_e2e::{LIMIT, both, on_daemon};
use corten_testkit::DaemonOptions;
use corten_testkit::wait::until_ok;

fn with_ipv6() -> DaemonOptions {
    DaemonOptions {
        arguments: ["--ipv6", "--fixed-cidr-v6", "fddd:6ff4:6e08::/64"]
            .map(str::to_owned)
            .to_vec(),
        ..DaemonOptions::default()
    }
}

#[test]
fn the_hosts_gateway_has_both_families() -> Result<()> {
    on_daemon(with_ipv6(), &["busybox"], |case| {
        let hosts = case.ok("run --rm --add-host hg:host-gateway busybox grep hg$ /etc/hosts")?;
        let addresses: Vec<&str> = hosts.lines().filter_map(|line| line.strip_suffix("\thg")).collect();
        ensure!(addresses.len() == 2 && addresses[1] == "fddd:6ff4:6e08::1", "{hosts}");
        case.ok("run --rm --add-host hg:host-gateway busybox ping -c 1 -W 3 fddd:6ff4:6e08::1")?;
        // Without IPv6 in the container none of it is told.
        let without = "--sysctl net.ipv6.conf.all.disable_ipv6=1";
        let hosts = case.ok(&format!(
            "run --rm {without} --hostname h --add-host hg:host-gateway --add-host six:fd00::1 busybox cat /etc/hosts"
        ))?;
        ensure!(!hosts.contains("::") && hosts.lines().count() == 3, "{hosts}");
        let without = "--sysctl net.ipv6.conf.lo.disable_ipv6=1 --network none";
        case.says(
            &format!("run --rm {without} busybox cat /etc/hosts"),
            "127.0.0.1\tlocalhost",
        )
    })
}

#[test]
fn a_port_is_open_at_the_hosts_link_local_address() -> Result<()> {
    on_daemon(with_ipv6(), &["busybox"], |case| {
        case.ok("network create four")?;
        let server = "busybox httpd -f -p 80 -h /etc";
        case.ok(&format!("run -d --name both -p 8080:80 {server}"))?;
        case.ok(&format!("run -d --name four --network four -p 8081:80 {server}"))?;
        let find = "ip -6 -o addr show dev eth0 scope link | sed 's/.*inet6 \\([^/]*\\).*/\\1/'";
        for port in [8080, 8081] {
            let get = format!("curl -sf --max-time 3 \"http://[$({find})%25eth0]:{port}/hostname\"");
            until_ok(LIMIT, "the port at fe80::", || case.script(&get)?.success().map(drop))?;
        }
        case.ok("rm -f both four")?;
        case.ok("network rm four")?;
        // The host's own, to itself.
        case.script("conntrack -D -f ipv6 -p tcp --dport 8080; conntrack -D -f ipv6 -p tcp --dport 8081; true")
            .map(drop)
    })
}

#[test]
fn a_creation_names_networks_beside_its_mode() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("network create n1")?;
        case.ok("network create n2")?;
        for mode in ["default", "bridge", "n2"] {
            let networks = r#""NetworkingConfig":{"EndpointsConfig":{"n1":{}}}"#;
            let body =
                format!(r#"{{"Image":"busybox","Cmd":["top"],"HostConfig":{{"NetworkMode":"{mode}"}},{networks}}}"#);
            let (status, answer) = case.api("POST", "/containers/create?name=cc", &body)?;
            ensure!(status == 201, "{answer}");
            case.ok("start cc")?;
            case.says(
                "inspect -f '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}' cc",
                "n1",
            )?;
            case.says("exec cc ls /sys/class/net", "eth0\nlo")?;
            case.ok("rm -f cc")?;
        }
        let mac = r#""Image":"busybox","MacAddress":"02:42:ac:11:00:42""#;
        for (rest, message) in [
            (
                r#""NetworkingConfig":{"EndpointsConfig":{"n1":{}}}"#,
                "unable to migrate container-wide MAC address to a specific network: HostConfig.NetworkMode must match \
                 the identity of a network in NetworkSettings.Networks",
            ),
            (
                r#""HostConfig":{"NetworkMode":"n1"},
                   "NetworkingConfig":{"EndpointsConfig":{"n1":{"MacAddress":"02:42:ac:11:00:43"}}}"#,
                "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be \
                 left empty",
            ),
        ] {
            case.refuses("POST", "/containers/create", &format!("{{{mac},{rest}}}"), 400, message)?;
        }
        case.ok("network rm n1 n2").map(drop)
    })
}

/// Answers every question with 192.0.2.42.
const NAME_SERVER: &str = r#"use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 53, Proto => "udp") or die;
    while ($s->recv(my $q, 512)) { $q =~ /^.{12}.*?\0.{4}/s; my $own = substr($&, 12);
    $s->send(substr($q, 0, 2) . "\x81\x80\0\1\0\1\0\0\0\0" . $own . "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x2a"); }"#;

#[test]
fn a_name_server_on_a_network_without_a_way_out_is_asked() -> Result<()> {
    both(&["busybox", "debian"], |case| {
        case.ok("network create --internal inside")?;
        case.ok(&format!(
            "run -d --name ns --network inside debian perl -e '{NAME_SERVER}'"
        ))?;
        let server = case.ok("inspect -f '{{.NetworkSettings.Networks.inside.IPAddress}}' ns")?;
        until_ok(LIMIT, "the name server's answer", || {
            let ask = "busybox nslookup -type=a foo.example";
            let answer = case.run(&format!("run --rm --network inside --dns {server} {ask}"))?;
            ensure!(answer.stdout.contains("192.0.2.42"), "{answer:?}");
            Ok(())
        })?;
        case.ok("rm -f ns")?;
        case.ok("network rm inside").map(drop)
    })
}
