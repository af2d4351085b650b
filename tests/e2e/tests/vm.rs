//! The same programs on Debian's own 6.1 kernel with cgroup v2 alone, in an emulated machine: boots
//! it with `scripts/vm` and takes the verdict of `tests/vm/checks`. Owns `target/vm/console.log`.

use std::path::Path;
use std::process::Command;

use corten_testkit::{programs, skip};

#[test]
fn debian_kernel_with_cgroup_v2_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if !programs::target_directory()
        .unwrap()
        .join("vm/kernel/vmlinuz")
        .is_file()
    {
        return skip::skip("vm", "scripts/vm build has made no kernel on this architecture");
    }
    let run = Command::new("scripts/vm")
        .arg("run")
        .current_dir(root)
        .output()
        .unwrap();
    let console = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{console}\n{}",
        String::from_utf8_lossy(&run.stderr)
    );
    println!(
        "{}",
        console
            .lines()
            .rfind(|line| line.starts_with("vm: "))
            .unwrap_or_default()
    );
}
