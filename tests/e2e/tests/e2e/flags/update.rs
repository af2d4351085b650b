//! `update`: every limit that can change, stopped and running.

use anyhow::Result;
use corten_e2e::both;
use serde_json::json;

use super::inspect_has;

#[test]
fn update_changes_every_limit() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run -d --name box busybox sleep 1000")?;
        case.ok(
            "update --cpu-period 50000 --cpu-quota 25000 -c 512 --cpuset-cpus 0 --cpuset-mems 0 -m 64m --memory-reservation 32m \
             --memory-swap 128m --pids-limit 50 --restart on-failure:2 box",
        )?;
        inspect_has(
            case,
            "box",
            &[
                ("/HostConfig/CpuPeriod", json!(50000)),
                ("/HostConfig/CpuQuota", json!(25000)),
                ("/HostConfig/CpuShares", json!(512)),
                ("/HostConfig/CpusetCpus", json!("0")),
                ("/HostConfig/CpusetMems", json!("0")),
                ("/HostConfig/Memory", json!(64 << 20)),
                ("/HostConfig/MemoryReservation", json!(32 << 20)),
                ("/HostConfig/MemorySwap", json!(128 << 20)),
                ("/HostConfig/PidsLimit", json!(50)),
                (
                    "/HostConfig/RestartPolicy",
                    json!({"Name": "on-failure", "MaximumRetryCount": 2}),
                ),
            ],
        )?;
        case.ok("create --name still busybox")?;
        case.ok("update --cpus 0.5 --blkio-weight 0 still")?;
        inspect_has(case, "still", &[("/HostConfig/NanoCpus", json!(500_000_000))])?;
        case.ok("rm -f box still")?;
        Ok(())
    })
}
