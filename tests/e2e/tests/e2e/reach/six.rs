//! `--ipv6` and its addresses.

use anyhow::{Result, ensure};

use super::{can_run, daemon};

#[test]
fn the_default_network_has_the_ipv6_that_was_asked_for() -> Result<()> {
    if !can_run("the_default_network_has_the_ipv6_that_was_asked_for")? {
        return Ok(());
    }
    let arguments = ["--ipv6", "--fixed-cidr-v6", "2001:db8:7::/64"];
    let daemon = daemon(|_| Ok(arguments.map(str::to_owned).into()))?;
    let said = daemon
        .docker(&["run", "--rm", "busybox", "ip", "-6", "addr", "show", "eth0"])?
        .success()?;
    ensure!(said.text().contains("2001:db8:7::"), "{said}");
    let network = daemon
        .docker(&["network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}"])?
        .success()?;
    ensure!(network.text().contains("2001:db8:7::/64"), "{network}");
    let enabled = daemon.docker(&["network", "inspect", "bridge", "--format", "{{.EnableIPv6}}"])?;
    enabled.success()?.says("true")?;
    daemon.leaves_nothing()
}
