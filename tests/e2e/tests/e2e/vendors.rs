//! Devices that vendors describe (CDI): what a container with one gets, and what is refused.

use std::sync::Arc;

use anyhow::{Result, ensure};
use corten_e2e::Case;
use corten_testkit::{Daemon, DaemonOptions, Sandbox, skip};
use serde_json::Value;

#[test]
fn vendors_devices_are_injected() -> Result<()> {
    if !skip::is_root() {
        skip::skip("vendors_devices_are_injected", "needs root");
        return Ok(());
    }
    let sandbox = Arc::new(Sandbox::new()?);
    let directory = sandbox.scratch().join("cdi");
    std::fs::create_dir_all(&directory)?;
    let shared = directory.display();
    std::fs::write(
        directory.join("vendor.yaml"),
        format!(
            "cdiVersion: \"0.7.0\"\nkind: vendor.com/device\ncontainerEdits:\n  env: [ALL=1]\ndevices:\n- name: foo\n  \
             containerEdits:\n    env:\n    - FOO=injected\n    additionalGids: [4242]\n    deviceNodes:\n    - path: /dev/foo\n      \
             hostPath: /dev/null\n      permissions: rw\n    mounts:\n    - hostPath: {shared}\n      containerPath: /cdi\n      \
             options: [ro, bind]\n    hooks:\n    - hookName: createRuntime\n      path: /bin/sh\n      \
             args: [sh, -c, \"echo ran >{shared}/hook\"]\n- name: bad\n  containerEdits:\n    deviceNodes:\n    - path: /dev/nope\n"
        ),
    )?;
    std::fs::write(directory.join("broken.json"), "{")?;
    let start = |more: &[&str]| -> Result<Case> {
        let mut arguments = vec![format!("--cdi-spec-dir={shared}")];
        arguments.extend(more.iter().map(|&word| word.to_owned()));
        let options = DaemonOptions {
            arguments,
            ..DaemonOptions::default()
        };
        let daemon = Daemon::start_in(Arc::clone(&sandbox), options)?;
        daemon.load_image("busybox")?;
        Ok(Case {
            daemon,
            client: corten_e2e::Client::Docker,
        })
    };
    let case = start(&[])?;
    let said = case.ok(
        "run --rm --device vendor.com/device=foo busybox sh -c 'echo $ALL $FOO; ls /cdi; id -G; test -c /dev/foo'",
    )?;
    ensure!(
        said.starts_with("1 injected\n") && said.contains("vendor.yaml") && said.contains("4242"),
        "{said}"
    );
    ensure!(std::fs::read_to_string(directory.join("hook"))? == "ran\n");
    let failed = |what: &str| format!("CDI device injection failed: {what}");
    case.fails(
        "run --rm --device vendor.com/device=no busybox true",
        125,
        &failed("unresolvable CDI devices vendor.com/device=no"),
    )?;
    case.fails(
        "run --rm --device vendor.com/device=bad busybox true",
        127,
        &failed("failed to inject devices: failed to stat CDI host device \"/dev/nope\": no such file or directory"),
    )?;
    case.fails(
        "run --rm --gpus all busybox true",
        125,
        "could not select device driver \"\" with capabilities: [[gpu]]",
    )?;
    let (_, info) = case.api("GET", "/info", "")?;
    let info: Value = serde_json::from_str(&info)?;
    let devices = &info["DiscoveredDevices"];
    ensure!(
        devices[1]["Source"] == "cdi" && devices[1]["ID"] == "vendor.com/device=foo",
        "{info}"
    );
    ensure!(info["Warnings"].to_string().contains("broken.json"), "{info}");
    drop(case);
    let case = start(&["--feature=cdi=false"])?;
    case.fails(
        "run --rm --device vendor.com/device=foo busybox true",
        125,
        "could not select device driver \"cdi\" with capabilities: []",
    )
}
