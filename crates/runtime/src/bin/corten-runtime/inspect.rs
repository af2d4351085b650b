//! `state`, `ps`, `list`.

use std::fs;

use anyhow::{Context, Result};
use serde_json::json;

use crate::arguments::Global;
use crate::state::{self, State, Status};

/// Prints the state as runtime-spec runtime.md#state has it.
pub(crate) fn state(global: &Global, id: &str) -> Result<()> {
    let state = state::load(global, id)?;
    println!("{}", serde_json::to_string_pretty(&value(global, &state))?);
    Ok(())
}

fn value(global: &Global, state: &State) -> serde_json::Value {
    let status = state.status(global);
    let root = match &state.plan.root.source {
        corten_runtime::plan::Rootfs::Directory(path) => path.clone(),
        corten_runtime::plan::Rootfs::Overlay { .. } => state.bundle.clone(),
    };
    json!({
        "ociVersion": "1.2.0",
        "id": state.id,
        "pid": if status == Status::Stopped { 0 } else { state.pid },
        "status": status.text(),
        "bundle": state.bundle,
        "rootfs": root,
        "created": state.created,
        "annotations": state.annotations,
    })
}

/// Prints the pids of the container's processes.
pub(crate) fn processes(global: &Global, id: &str, json: bool) -> Result<()> {
    let state = state::load(global, id)?;
    let pids = corten_runtime::cgroup::processes(&state.plan.cgroup)?;
    if json {
        println!("{}", serde_json::to_string(&pids)?);
        return Ok(());
    }
    println!("PID");
    for pid in pids {
        println!("{pid}");
    }
    Ok(())
}

/// Prints all containers below `--root`.
pub(crate) fn list(global: &Global, json: bool, quiet: bool) -> Result<()> {
    let mut values = Vec::new();
    let entries = match fs::read_dir(&global.root) {
        Ok(entries) => entries
            .collect::<std::io::Result<Vec<_>>>()
            .context("read the root directory")?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).context("read the root directory"),
    };
    let mut ids: Vec<String> = entries
        .iter()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    ids.sort();
    // One that is being made has no state yet, one that is being deleted none any more.
    values.extend(
        ids.iter()
            .filter_map(|id| state::load(global, id).ok())
            .map(|state| value(global, &state)),
    );
    if json {
        println!("{}", serde_json::to_string(&values)?);
    } else if quiet {
        values
            .iter()
            .for_each(|value| println!("{}", value["id"].as_str().unwrap_or_default()));
    } else {
        println!("{:<20} {:<10} {:<10} {:<40} CREATED", "ID", "PID", "STATUS", "BUNDLE");
        for value in &values {
            let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
            println!(
                "{:<20} {:<10} {:<10} {:<40} {}",
                text("id"),
                value["pid"],
                text("status"),
                text("bundle"),
                text("created")
            );
        }
    }
    Ok(())
}
