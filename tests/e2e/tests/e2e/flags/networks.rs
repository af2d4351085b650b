//! Networks: options of create, connect, disconnect and prune that other cases do without.

use anyhow::{Result, ensure};
use corten_e2e::both;
use serde_json::json;

use super::inspect_has;

#[test]
fn networks_from_configurations_and_with_plans() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("network create --config-only --subnet 10.97.2.0/24 plan")?;
        case.ok("network create --config-from plan made")?;
        inspect_has(
            case,
            "made",
            &[
                ("/IPAM/Config/0/Subnet", json!("10.97.2.0/24")),
                ("/ConfigFrom/Network", json!("plan")),
            ],
        )?;
        inspect_has(case, "plan", &[("/ConfigOnly", json!(true))])?;
        case.ok(
            "network create --attachable --scope local --ipam-driver default --ipam-opt key=value --subnet 10.97.3.0/24 \
             --aux-address taken=10.97.3.2 planned",
        )?;
        inspect_has(
            case,
            "planned",
            &[
                ("/Attachable", json!(true)),
                ("/Scope", json!("local")),
                ("/IPAM/Driver", json!("default")),
                ("/IPAM/Options/key", json!("value")),
                ("/IPAM/Config/0/AuxiliaryAddresses/taken", json!("10.97.3.2")),
            ],
        )?;
        // The next free address is the one behind the reserved one.
        case.says(
            "run --rm --network planned busybox sh -c \"ip -4 address show eth0 | sed -n 's/.*inet \\([^/]*\\).*/\\1/p'\"",
            "10.97.3.3",
        )?;
        case.fails("network create --ingress entry", 1, "")?;
        case.says("network inspect -v -f '{{.Name}}' planned", "planned")?;
        let listed = case.ok("network list --format '{{.Name}}'")?;
        ensure!(listed.contains("planned") && listed.contains("made"), "{listed}");
        case.ok("network remove made planned plan")?;
        Ok(())
    })
}

#[test]
fn connect_with_everything() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("network create --ipv6 --subnet 10.97.4.0/24 --subnet fd97:4::/64 six")?;
        case.ok("network create --label drop=1 unused")?;
        case.ok("run -d --name server --network six busybox sleep 1000")?;
        case.ok("run -d --name box busybox sleep 1000")?;
        case.ok("network connect --ip 10.97.4.9 --ip6 fd97:4::9 --gw-priority 7 \
             --driver-opt com.docker.network.endpoint.ifname=given0 six box")?;
        let settings = "/NetworkSettings/Networks/six";
        inspect_has(
            case,
            "box",
            &[
                (&format!("{settings}/IPAddress"), json!("10.97.4.9")),
                (&format!("{settings}/GlobalIPv6Address"), json!("fd97:4::9")),
                (&format!("{settings}/GwPriority"), json!(7)),
            ],
        )?;
        case.ok("exec box ls /sys/class/net/given0")?;
        case.ok("exec box ping -c 1 -W 10 server")?;
        case.ok("network disconnect -f six box")?;
        ensure!(case.inspect("box")?["NetworkSettings"]["Networks"]["six"].is_null());
        case.ok("create --name local busybox")?;
        case.ok("network connect --link-local-ip 169.254.7.7 six local")?;
        inspect_has(
            case,
            "local",
            &[(&format!("{settings}/IPAMConfig/LinkLocalIPs"), json!(["169.254.7.7"]))],
        )?;
        let said = case.ok("network prune -f --filter label=drop=1")?;
        ensure!(said.contains("unused"), "{said}");
        case.ok("rm -f box server local")?;
        case.ok("network rm six")?;
        Ok(())
    })
}
