//! What a container can ask of its place on a network, and what a daemon can be told of the default one.

use std::sync::Arc;

use anyhow::{Result, ensure};
use corten_e2e::{Case, both, is_reference, on_daemon, one};
use corten_testkit::{Daemon, DaemonOptions, Sandbox, skip};

const IFNAME: &str = "com.docker.network.endpoint.ifname";
const SYSCTLS: &str = "com.docker.network.endpoint.sysctls";

fn address_on(case: &Case, interface: &str, address: &str) -> Result<()> {
    let shown = case.ok(&format!("exec box ip -o addr show {interface}"))?;
    ensure!(shown.contains(&format!("inet {address}/")), "{interface}: {shown}");
    Ok(())
}

#[test]
fn interfaces_have_the_names_that_were_asked_for() -> Result<()> {
    both(&["busybox"], |case| {
        for number in 0..3 {
            case.ok(&format!("network create --subnet 10.77.{number}.0/24 n{number}"))?;
        }
        case.ok(&format!(
            "run -d --name box --network name=n0,driver-opt={IFNAME}=eth1 --network n1 busybox top"
        ))?;
        address_on(case, "eth1", "10.77.0.2")?;
        address_on(case, "eth0", "10.77.1.2")?;
        case.ok("network connect n2 box")?;
        address_on(case, "eth2", "10.77.2.2")?;
        case.ok("network disconnect n1 box")?;
        case.ok("network disconnect n2 box")?;
        case.ok("network connect n2 box")?;
        address_on(case, "eth0", "10.77.2.2")?;
        case.ok(&format!("network connect --driver-opt {IFNAME}=foo n1 box"))?;
        case.says("exec box ls /sys/class/net", "eth0\neth1\nfoo\nlo")?;
        case.ok("restart -t 0 box")?;
        case.says("exec box ls /sys/class/net", "eth0\neth1\nfoo\nlo")?;
        case.ok("rm -f box")?;
        case.ok("network rm n0 n1 n2")?;
        Ok(())
    })
}

#[test]
fn a_name_that_is_taken_or_none_is_refused() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("network create n0")?;
        case.ok("run -d --name box busybox top")?;
        for (name, why) in [
            ("eth0", "file exists"),
            ("averyveryverylongname", "numerical result out of range"),
            ("a/b", "invalid argument"),
        ] {
            let line = format!("network connect --driver-opt {IFNAME}={name} n0 box");
            case.fails(&line, 1, "error renaming interface")?;
            case.fails(&line, 1, why)?;
        }
        case.says("exec box ls /sys/class/net", "eth0\nlo")?;
        case.ok("rm -f box")?;
        case.ok("network rm n0")?;
        Ok(())
    })
}

#[test]
fn interfaces_have_settings_of_their_own() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("network create n0")?;
        for (placeholder, value) in [("IFNAME", "1"), ("ifname", "0")] {
            let line = format!(
                "run --rm --network name=n0,driver-opt={SYSCTLS}=net.ipv4.conf.{placeholder}.forwarding={value} busybox \
                 sysctl -n net.ipv4.conf.eth0.forwarding"
            );
            case.says(&line, value)?;
        }
        case.fails(
            &format!("network connect --driver-opt {SYSCTLS}=net.ipv6.x n0 nobody"),
            1,
            "No such container: nobody",
        )?;
        case.fails(
            &format!("create --network name=n0,driver-opt={SYSCTLS}=net.ipv6.x busybox"),
            125,
            "unrecognised network interface sysctl 'net.ipv6.x'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V'",
        )
        .or_else(|_| {
            // `create` says 1 where `run` says 125
            case.fails(
                &format!("create --network name=n0,driver-opt={SYSCTLS}=net.ipv6.x busybox"),
                1,
                "unrecognised network interface sysctl 'net.ipv6.x'",
            )
        })?;
        let old = r#"{"Image":"busybox","Cmd":["top"],"HostConfig":{"Sysctls":{"net.ipv4.conf.eth0.forwarding":"1"}}}"#;
        let (status, said) = case.api("POST", "/v1.47/containers/create?name=old", old)?;
        ensure!(status == 201, "{status} {said}");
        case.ok("start old")?;
        case.says("exec old sysctl -n net.ipv4.conf.eth0.forwarding", "1")?;
        case.ok("rm -f old")?;
        case.ok("network rm n0")?;
        Ok(())
    })
}

#[test]
fn two_containers_share_a_subnet_of_two() -> Result<()> {
    both(&["busybox"], |case| {
        for option in ["inhibit_ipv4=true", "gateway_mode_ipv4=isolated"] {
            case.ok(&format!(
                "network create --internal --subnet 192.168.135.0/31 -o com.docker.network.bridge.{option} pair"
            ))?;
            case.ok("run -d --name one --network pair busybox top")?;
            case.ok("run --rm --network pair busybox ping -c 1 -W 3 one")?;
            case.ok("rm -f one")?;
            case.ok("network rm pair")?;
        }
        Ok(())
    })
}

#[test]
fn without_a_default_network_containers_have_none() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    let options = DaemonOptions {
        arguments: vec!["--bridge=none".into()],
        ..DaemonOptions::default()
    };
    on_daemon(options, &["busybox"], |case| {
        // the first network brings the daemon's tables, which stay
        case.ok("network create first")?;
        case.ok("network rm first")?;
        case.daemon.remember()?;
        for mode in ["default", "bridge"] {
            case.says(&format!("run --rm --network {mode} busybox ls /sys/class/net"), "lo")?;
        }
        case.fails("network inspect bridge", 1, "network bridge not found")?;
        case.ok("network create n0")?;
        case.says("run --rm --network n0 busybox ls /sys/class/net", "eth0\nlo")?;
        case.ok("network rm n0")?;
        Ok(())
    })
}

#[test]
fn a_bridge_that_dockerd_would_not_make_is_refused() -> Result<()> {
    if !skip::is_root() || is_reference()? {
        skip::skip(
            "a_bridge_that_dockerd_would_not_make_is_refused",
            "needs root, and Corten",
        );
        return Ok(());
    }
    let sandbox = Arc::new(Sandbox::new()?);
    let options = DaemonOptions {
        arguments: vec!["--bridge=nosuchbridge".into()],
        as_dockerd: true,
        ..DaemonOptions::default()
    };
    let refused = Daemon::start_in(sandbox, options).map(drop);
    let said = format!("{:?}", refused.expect_err("it starts"));
    ensure!(
        said.contains("bridge device with non default name nosuchbridge must be created manually"),
        "{said}"
    );
    Ok(())
}

#[test]
fn what_a_network_says_of_its_families_beats_the_daemons_defaults() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    let options = DaemonOptions {
        arguments: vec![
            "--default-network-opt=bridge=com.docker.network.enable_ipv4=false".into(),
            "--default-network-opt=bridge=com.docker.network.enable_ipv6=true".into(),
        ],
        ..DaemonOptions::default()
    };
    on_daemon(options, &[], |case| {
        case.ok("network create plain")?;
        case.ok("network create --ipv4 said")?;
        let shown = |name: &str| {
            case.ok(&format!(
                "network inspect -f '{{{{.EnableIPv4}}}} {{{{.EnableIPv6}}}} {{{{len .Options}}}}' {name}"
            ))
        };
        ensure!(shown("plain")? == "false true 2", "{}", shown("plain")?);
        ensure!(shown("said")? == "true true 1", "{}", shown("said")?);
        case.ok("network rm plain said")?;
        Ok(())
    })
}

#[test]
fn link_local_addresses_are_on_the_link() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("network create --subnet 10.77.5.0/24 --ipv6 --subnet fd77::/64 near")?;
        let near = "--network near --link-local-ip 169.254.9.9 --link-local-ip fe80::99";
        case.ok(&format!("run -d --name box {near} busybox top"))?;
        let has = |case: &Case, interface: &str, address: &str| -> Result<()> {
            let shown = case.ok(&format!("exec box ip -o addr show {interface}"))?;
            ensure!(shown.contains(&format!("{address} ")), "{interface}: {shown}");
            Ok(())
        };
        has(case, "eth0", "169.254.9.9/16")?;
        has(case, "eth0", "fe80::99/64")?;
        let other = "--network near --link-local-ip 169.254.9.8";
        case.ok(&format!("run --rm {other} busybox ping -c 1 -W 5 169.254.9.9"))?;
        let ipam = "inspect -f '{{json .NetworkSettings.Networks.near.IPAMConfig}}' box";
        case.says(ipam, r#"{"LinkLocalIPs":["169.254.9.9","fe80::99"]}"#)?;
        case.ok("rm -f box")?;

        case.ok("run -d --name box --link-local-ip 169.254.5.5 busybox top")?;
        has(case, "eth0", "169.254.5.5/16")?;
        case.ok("network connect --link-local-ip 169.254.7.7 near box")?;
        has(case, "eth1", "169.254.7.7/16")?;
        case.ok("restart -t 0 box")?;
        has(case, "eth1", "169.254.7.7/16")?;
        case.ok("network disconnect near box")?;
        let connect = |address: &str| format!("network connect --link-local-ip {address} near box");
        case.fails(&connect("10.1.2.3"), 1, "invalid link local IP address: 10.1.2.3")?;
        case.says("exec box ls /sys/class/net", "eth0\nlo")?;
        let body = r#"{"Container":"box","EndpointConfig":{"IPAMConfig":{"LinkLocalIPs":["foo"]}}}"#;
        let message = "invalid endpoint settings:\ninvalid link-local IP address: foo";
        case.refuses("POST", "/networks/near/connect", body, 400, message)?;
        case.ok("rm -f box")?;
        case.fails(
            "run --rm --network near --link-local-ip 10.3.3.3 busybox true",
            125,
            "failed to set up container networking: invalid link local IP address: 10.3.3.3",
        )?;
        case.ok("network rm near").map(drop)
    })
}

#[test]
fn the_mode_none_with_settings_for_a_network_is_on_it() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("network create --subnet 10.77.6.0/24 shop")?;
        let body = r#"{"Image":"busybox","Cmd":["top"],"HostConfig":{"NetworkMode":"none"},
            "NetworkingConfig":{"EndpointsConfig":{"shop":{}}}}"#;
        let (status, text) = case.api("POST", "/containers/create?name=box", body)?;
        ensure!(status == 201, "{status} {text}");
        case.ok("start box")?;
        address_on(case, "eth0", "10.77.6.2")?;
        let shown =
            "inspect -f '{{range $name, $it := .NetworkSettings.Networks}}{{$name}} {{$it.IPAddress}} {{end}}' box";
        case.says(shown, "shop 10.77.6.2")?;
        case.ok("run --rm --network shop busybox ping -c 1 -W 5 box")?;
        case.ok("restart -t 0 box")?;
        case.says(shown, "shop 10.77.6.2")?;
        case.ok("rm -f box")?;
        case.ok("network rm shop").map(drop)
    })
}

#[test]
fn a_hardware_address_of_the_whole_container_is_told_of() -> Result<()> {
    one(&["busybox"], |case| {
        let create = |version: &str, mode: &str| -> Result<(u16, String)> {
            let body = format!(
                r#"{{"Image":"busybox","MacAddress":"02:42:ac:11:00:09","HostConfig":{{"NetworkMode":"{mode}"}}}}"#
            );
            case.api("POST", &format!("/v{version}/containers/create?name=box"), &body)
        };
        let deprecated =
            "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.";
        for (version, mode, status, said) in [
            ("1.51", "bridge", 201, deprecated),
            ("1.44", "host", 201, deprecated),
            ("1.43", "bridge", 201, r#""Warnings":[]"#),
            (
                "1.43",
                "host",
                400,
                "conflicting options: mac-address and the network mode",
            ),
            (
                "1.43",
                "none",
                400,
                "conflicting options: mac-address and the network mode",
            ),
        ] {
            let (got, text) = create(version, mode)?;
            ensure!(got == status && text.contains(said), "{version} {mode}: {got} {text}");
            if got == 201 {
                case.ok("rm box")?;
            }
        }
        Ok(())
    })
}
