//! Rows of the area `isolation`: user namespaces, of the engine and of a container.

use anyhow::{Result, ensure};
use corten_e2e::{Client, is_reference};

use crate::rows::{group, remapped_group, squeezed};

#[test]
fn another_user_outside() -> Result<()> {
    remapped_group(&["debian"], |rows| {
        rows.row("C-305", |case| {
            let id = case.ok("run -d debian sleep 60")?;
            case.says(&format!("exec {id} id -u"), "0")?;
            let pid = case.ok(&format!("inspect -f '{{{{.State.Pid}}}}' {id}"))?;
            case.script(&format!("ps -o uid= -p {pid}"))?
                .success()?
                .says("200000")?;
            let map = case.script(&format!("cat /proc/{pid}/uid_map"))?.success()?;
            ensure!(squeezed(map.text()) == "0 200000 65536", "{map}");
            case.ok(&format!("exec {id} touch /made"))?;
            case.script(&format!("stat -c %u /proc/{pid}/root/made"))?
                .success()?
                .says("200000")
                .map(drop)
        });
    })
}

#[test]
fn a_range_for_each() -> Result<()> {
    group(&["debian"], |rows| {
        rows.row("C-306", |case| {
            if is_reference()? || case.client == Client::Docker {
                // Docker has one range for the engine, and its client knows no other.
                let refused = "--userns: invalid USER mode";
                return case.fails("run --rm --userns=auto debian true", 125, refused);
            }
            let mut starts = Vec::new();
            for name in ["C1", "C2"] {
                case.ok(&format!("run -d --name {name} --userns=auto debian sleep 600"))?;
                let pid = case.ok(&format!("inspect -f '{{{{.State.Pid}}}}' {name}"))?;
                let map = case.script(&format!("cat /proc/{pid}/uid_map"))?.success()?;
                let numbers: Vec<u64> = map.text().split_whitespace().flat_map(str::parse).collect();
                ensure!(numbers.len() == 3 && numbers[0] == 0 && numbers[2] == 65536, "{map}");
                starts.push(numbers[1]);
            }
            ensure!(
                starts[0] != 0 && starts[1] != 0 && starts[0].abs_diff(starts[1]) >= 65536,
                "{starts:?}"
            );
            Ok(())
        });
    })
}
