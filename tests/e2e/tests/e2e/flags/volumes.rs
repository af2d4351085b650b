//! Volumes: forms, the driver, old flags, filters.

use anyhow::{Result, ensure};
use corten_e2e::both;

#[test]
fn volumes_by_every_form() -> Result<()> {
    both(&[], |case| {
        case.says("volume create -d local --name old", "old")?;
        case.says("volume create --label drop=1 new", "new")?;
        // One with options goes by name alone.
        let optioned = "volume create --label drop=1 -o type=tmpfs -o device=tmpfs optioned";
        case.says(optioned, "optioned")?;
        case.says("volume list -q", "new\nold\noptioned")?;
        case.says("volume ls -q --filter label=drop=1", "new\noptioned")?;
        let said = case.ok("volume prune -a -f --filter label=drop=1")?;
        ensure!(
            said.contains("new") && !said.contains("old") && !said.contains("optioned"),
            "{said}"
        );
        case.ok("volume remove optioned")?;
        case.ok("volume remove old")?;
        case.ok("volume remove -f old")?;
        Ok(())
    })
}
