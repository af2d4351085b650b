//! `/debug/vars`, `/debug/pprof/` and the report of SIGUSR1: what the daemon is doing, for people who ask why.
//!
//! The paths are Docker's, which serves them whether debug mode is on or not. The profiles of a Go program
//! that have no meaning here are 404. On disk: `<run>/cortend-state-<time>.log`, never removed by us.

use std::fmt::Write as _;
use std::path::PathBuf;

use corten_base::Timestamp;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::Api;
use crate::http::{Answer, Body, answer};
use crate::release;

/// Go's content type of plain text.
const TEXT: &str = "text/plain; charset=utf-8";

/// `GET /debug/vars`
pub(super) async fn variables(api: &Api) -> Answer {
    let arguments: Vec<String> = std::env::args().collect();
    let process = process();
    let info = api.engine.info().await?;
    Ok(answer::json(&json!({
        "cmdline": arguments,
        "memstats": {"Sys": process.resident_bytes, "HeapAlloc": process.resident_bytes},
        "process": {
            "threads": process.threads,
            "descriptors": info.n_fd,
            "tasks": tasks(),
            "started": api.started.to_string(),
        },
        "containers": {
            "running": info.containers_running,
            "paused": info.containers_paused,
            "stopped": info.containers_stopped,
        },
        "listeners": info.n_events_listener,
        "settings": settings(api),
    })))
}

/// `GET /debug/pprof/{name}`
pub(super) async fn profile(api: &Api, name: &str) -> Answer {
    match name {
        "" => Ok(text(
            "/debug/pprof/\n\nProfiles: cmdline, goroutine (the daemon's tasks and state)\n".to_owned(),
        )),
        "cmdline" => Ok(text(std::env::args().collect::<Vec<_>>().join("\0"))),
        "goroutine" => Ok(text(report(api).await)),
        _ => {
            let mut response = text("Unknown profile\n".to_owned());
            *response.status_mut() = StatusCode::NOT_FOUND;
            Ok(response)
        }
    }
}

/// Writes the report to a file and says where.
pub(super) async fn write_report(api: &Api) {
    let stamp: String = Timestamp::now()
        .to_string()
        .chars()
        .take_while(|character| *character != '.')
        .filter(|character| *character != ':')
        .collect();
    let path: PathBuf = api.current.run().join(format!("cortend-state-{stamp}Z.log"));
    match std::fs::write(&path, report(api).await) {
        Ok(()) => tracing::info!("state written to {}", path.display()),
        Err(error) => tracing::error!("cannot write the state to {}: {error}", path.display()),
    }
}

/// What a person wants to know of a daemon that behaves oddly.
async fn report(api: &Api) -> String {
    let process = process();
    let mut text = format!(
        "cortend {} (API as Docker {}), since {}\ntasks: {}, threads: {}, resident: {} KiB\n",
        release::VERSION,
        release::ANNOUNCED,
        api.started,
        tasks(),
        process.threads,
        process.resident_bytes / 1024,
    );
    match api.engine.info().await {
        Err(error) => writeln!(text, "engine: {error}").expect("a string takes everything"),
        Ok(info) => writeln!(
            text,
            "containers: {} running, {} paused, {} stopped\nimages: {}, descriptors: {}, listeners of events: {}",
            info.containers_running,
            info.containers_paused,
            info.containers_stopped,
            info.images,
            info.n_fd,
            info.n_events_listener,
        )
        .expect("a string takes everything"),
    }
    writeln!(text, "settings: {}", settings(api)).expect("a string takes everything");
    text
}

fn settings(api: &Api) -> Value {
    json!(api.current.attributes())
}

fn text(text: String) -> Response<Body> {
    answer::stream(TEXT, Body::whole(text))
}

/// Tasks of the asynchronous runtime.
fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// What the kernel says about this process.
#[derive(Debug, Default, PartialEq, Eq)]
struct Process {
    threads: u64,
    resident_bytes: u64,
}

fn process() -> Process {
    parse(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())
}

fn parse(status: &str) -> Process {
    let number = |key: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let word = line.and_then(|rest| rest.split_whitespace().next());
        word.and_then(|word| word.parse().ok()).unwrap_or(0)
    };
    Process {
        threads: number("Threads:"),
        resident_bytes: number("VmRSS:").saturating_mul(1024),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_words_are_understood() {
        let status = "Name:\tcortend\nVmRSS:\t   6780 kB\nThreads:\t4\n";
        assert_eq!(
            parse(status),
            Process {
                threads: 4,
                resident_bytes: 6780 * 1024
            }
        );
        assert_eq!(parse(""), Process::default());
    }
}
