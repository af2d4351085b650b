//! Rows of the area `install-info` that need no machine to install on (tests/vm has those).

use anyhow::{Result, ensure};
use corten_e2e::Case;

use crate::rows::group;

#[test]
fn what_is_there() -> Result<()> {
    group(&["busybox"], |rows| {
        rows.row("C-461", |case| {
            let said = case.ok("version")?;
            for word in [
                "Client:",
                "Server:",
                "Version:",
                "API version:",
                "Go version:",
                "Git commit:",
                "Built:",
                "OS/Arch:",
            ] {
                ensure!(said.contains(word), "{word} is missing in\n{said}");
            }
            let absent = case.run("-H unix:///nowhere.sock version")?.code_is(1)?;
            ensure!(
                absent.text().contains("Client:") && absent.text().contains("API version:"),
                "{}",
                absent.text()
            );
            absent
                .mentions("Cannot connect to the ")?
                .mentions(" daemon at unix:///nowhere.sock. Is the ")?;
            Ok(())
        });
        rows.row("C-462", |case| {
            let release = case.script("uname -r")?.success()?;
            let numbers: Vec<u32> = release.text().split(['.', '-']).flat_map(str::parse).take(2).collect();
            ensure!(numbers >= vec![5, 15], "{}", release.text());
            ensure!(case.ok("info --format '{{.KernelVersion}}'")? == release.text());
            Ok(())
        });
        rows.row("C-463", |case| {
            let said = case.ok("-H unix:///nowhere.sock -v")?;
            ensure!(said.contains(" version ") && said.contains(", build "), "{said}");
            Ok(())
        });
        rows.row("C-467", |case| {
            let page = case.ok("--help")?;
            for verb in COMMANDS {
                ensure!(page.contains(&format!("\n  {verb} ")), "{verb} is missing in\n{page}");
            }
            Ok(())
        });
        rows.row("C-468", info);
    })
}

const COMMANDS: [&str; 10] = [
    "run", "exec", "ps", "images", "network", "volume", "inspect", "logs", "stop", "version",
];

fn info(case: &Case) -> Result<()> {
    let said = case.ok("info")?;
    let lines = [
        "Client:",
        "Server:",
        " Containers: 0",
        "  Running: 0",
        "  Paused: 0",
        "  Stopped: 0",
        " Images: 1",
        " Server Version: ",
        " Storage Driver: overlay2",
        " Cgroup Driver: ",
        " Cgroup Version: ",
        " Plugins:",
        " Swarm: inactive",
        " Kernel Version: ",
        " Name: ",
        " Docker Root Dir: ",
    ];
    for line in lines {
        ensure!(
            said.lines().any(|said| said.starts_with(line)),
            "{line:?} is missing in\n{said}"
        );
    }
    Ok(())
}
