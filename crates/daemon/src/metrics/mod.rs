//! `--metrics-addr`: `GET /metrics` for Prometheus, on a socket of its own, under Docker's names.
//!
//! Nothing is found by looking at all containers: the engine counts as things happen, the calls of the API
//! are timed where they are answered. Docker's `go_*`, `etcd_*`, `swarm_*` and `builder_*` have no meaning here.

mod process;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use corten_api::system::SystemInfo;
use corten_engine::Engine;
use corten_engine::tally::{Counts, Durations};
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;

use crate::http::{Body, Handler, Wire, answer, drain};
use crate::release;
use process::Process;
use text::Page;

/// What Docker's own endpoint answers with.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/// What is timed, as Docker names it.
const ACTIONS: [&str; 5] = ["changes", "commit", "create", "delete", "start"];

/// How long calls took.
#[derive(Debug, Default)]
pub struct Actions([Durations; ACTIONS.len()]);

impl Actions {
    /// A call has done its work. Others than [`ACTIONS`] are not kept.
    pub fn done(&self, method: &Method, path: &str, took: Duration) {
        let action = action(method, path);
        let at = ACTIONS.iter().position(|known| Some(*known) == action);
        if let Some(durations) = at.and_then(|at| self.0.get(at)) {
            durations.add(took);
        }
    }
}

/// The name of a call among [`ACTIONS`].
fn action(method: &Method, path: &str) -> Option<&'static str> {
    let mut segments: Vec<&str> = path.split('/').skip(1).collect();
    if segments.first().is_some_and(|first| first.starts_with("v1.")) {
        segments.remove(0);
    }
    match (method.as_str(), segments.as_slice()) {
        ("POST", ["containers", "create"]) => Some("create"),
        ("POST", ["containers", _, "start"]) => Some("start"),
        ("DELETE", ["containers", _]) => Some("delete"),
        ("GET", ["containers", _, "changes"]) => Some("changes"),
        ("POST", ["commit"]) => Some("commit"),
        _ => None,
    }
}

/// Answers `/metrics`.
pub struct Metrics {
    engine: Engine,
    actions: Arc<Actions>,
    facts: BTreeMap<&'static str, String>,
    cpus: i64,
    memory_bytes: i64,
    served: AtomicU64,
}

impl Metrics {
    /// The metrics of an engine; `info` says what does not change.
    #[must_use]
    pub fn new(engine: Engine, actions: Arc<Actions>, info: &SystemInfo) -> Self {
        let facts = [
            ("architecture", info.architecture.clone()),
            ("commit", release::COMMIT.to_owned()),
            ("daemon_id", info.id.clone()),
            ("graphdriver", info.driver.clone()),
            ("kernel", info.kernel_version.clone()),
            ("os", info.operating_system.clone()),
            ("os_type", info.os_type.clone()),
            ("os_version", info.os_version.clone()),
            ("version", release::ANNOUNCED.to_owned()),
        ];
        Self {
            engine,
            actions,
            facts: facts.into(),
            cpus: info.ncpu,
            memory_bytes: info.mem_total,
            served: AtomicU64::new(0),
        }
    }

    fn page(&self) -> String {
        let mut page = Page::default();
        let name = "engine_daemon_container_actions_seconds";
        page.begin(
            name,
            "histogram",
            "The number of seconds it takes to process each container action",
        );
        for (action, durations) in ACTIONS.iter().zip(&self.actions.0) {
            page.histogram(name, &[("action", action)], &durations.counts());
        }
        counts(&mut page, &self.engine.counts());
        let name = "engine_daemon_engine_info";
        page.begin(
            name,
            "gauge",
            "The information related to the engine and the OS it is running on",
        );
        let facts: Vec<(&str, &str)> = self.facts.iter().map(|(name, value)| (*name, value.as_str())).collect();
        page.value(name, &facts, 1.0);
        page.single(
            "engine_daemon_engine_cpus_cpus",
            "gauge",
            "The number of cpus that the host system of the engine has",
            self.cpus as f64,
        );
        page.single(
            "engine_daemon_engine_memory_bytes",
            "gauge",
            "The number of bytes of memory that the host system of the engine has",
            self.memory_bytes as f64,
        );
        process_metrics(&mut page, &Process::read());
        let name = "promhttp_metric_handler_requests_total";
        page.begin(name, "counter", "Total number of scrapes by HTTP status code.");
        page.value(
            name,
            &[("code", "200")],
            self.served.fetch_add(1, Ordering::Relaxed) as f64,
        );
        page.into_text()
    }
}

fn counts(page: &mut Page, counts: &Counts) {
    let name = "engine_daemon_container_states_containers";
    page.begin(name, "gauge", "The count of containers in various states");
    for (state, count) in [
        ("paused", counts.paused),
        ("running", counts.running),
        ("stopped", counts.stopped),
    ] {
        page.value(name, &[("state", state)], count as f64);
    }
    page.single(
        "engine_daemon_events_subscribers_total",
        "gauge",
        "The number of current subscribers to events",
        counts.listeners as f64,
    );
    page.single(
        "engine_daemon_events_total",
        "counter",
        "The number of events logged",
        counts.events as f64,
    );
    page.single(
        "engine_daemon_health_checks_failed_total",
        "counter",
        "The total number of failed health checks",
        counts.health_failures as f64,
    );
    page.single(
        "engine_daemon_health_checks_total",
        "counter",
        "The total number of health checks",
        counts.health_checks as f64,
    );
    let name = "engine_daemon_health_check_start_duration_seconds";
    page.begin(
        name,
        "histogram",
        "The number of seconds it takes to prepare to run health checks",
    );
    page.histogram(name, &[], &counts.health_starts);
}

fn process_metrics(page: &mut Page, process: &Process) {
    for (name, kind, help, value) in [
        (
            "process_cpu_seconds_total",
            "counter",
            "Total user and system CPU time spent in seconds.",
            process.cpu_seconds,
        ),
        (
            "process_max_fds",
            "gauge",
            "Maximum number of open file descriptors.",
            process.most_descriptors,
        ),
        (
            "process_open_fds",
            "gauge",
            "Number of open file descriptors.",
            process.open_descriptors,
        ),
        (
            "process_resident_memory_bytes",
            "gauge",
            "Resident memory size in bytes.",
            process.resident_bytes,
        ),
        (
            "process_start_time_seconds",
            "gauge",
            "Start time of the process since unix epoch in seconds.",
            process.started_seconds,
        ),
        (
            "process_virtual_memory_bytes",
            "gauge",
            "Virtual memory size in bytes.",
            process.virtual_bytes,
        ),
    ] {
        page.single(name, kind, help, value);
    }
}

impl Handler for Metrics {
    async fn handle(&self, request: http::Request<Incoming>, _: Wire) -> Response<Body> {
        let (head, mut body) = request.into_parts();
        drain(&mut body).await;
        if head.method == Method::GET && head.uri.path() == "/metrics" {
            return answer::stream(CONTENT_TYPE, Body::whole(self.page()));
        }
        let mut response = answer::stream("text/plain; charset=utf-8", Body::whole("404 page not found\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_named_with_and_without_a_version() {
        for (method, path, name) in [
            (Method::POST, "/v1.51/containers/create", Some("create")),
            (Method::POST, "/containers/a/start", Some("start")),
            (Method::DELETE, "/v1.24/containers/a", Some("delete")),
            (Method::GET, "/containers/a/changes", Some("changes")),
            (Method::POST, "/commit", Some("commit")),
            (Method::GET, "/containers/json", None),
            (Method::DELETE, "/images/a", None),
        ] {
            assert_eq!(action(&method, path), name, "{method} {path}");
        }
    }
}
