//! Volumes: forms, the driver, old flags, filters.

use anyhow::{Result, ensure};
use corten_e2e::both;

#[test]
fn volumes_by_every_form() -> Result<()> {
    both(&[], |case| {
        case.says("volume create -d local --name old", "old")?;
        case.says("volume create --label drop=1 -o type=tmpfs -o device=tmpfs new", "new")?;
        case.says("volume list -q", "new\nold")?;
        case.says("volume ls -q --filter label=drop=1", "new")?;
        let said = case.ok("volume prune -a -f --filter label=drop=1")?;
        ensure!(said.contains("new") && !said.contains("old"), "{said}");
        case.ok("volume remove old")?;
        case.ok("volume remove -f old")?;
        Ok(())
    })
}
