//! What a recorded run proves: which tests used an item with success, through which client.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::surface::Surface;
use super::tests_named::Sources;
use super::{command_line, route};

/// The tests that prove one item, each with the clients it used (none for calls).
pub(super) type Tests = BTreeMap<String, BTreeSet<String>>;

/// All proofs of a run.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    tests: HashMap<String, Tests>,
    /// Endpoints that were answered with success.
    answered: HashSet<String>,
    /// Parameters that the daemon looks at, sent or not.
    read: HashSet<String>,
    skipped: HashSet<String>,
    used_by: HashMap<String, usize>,
}

/// Exit codes of `run`, `start` and `exec` that are the client's or the engine's own.
const OWN_CODES: [i64; 4] = [1, 125, 126, 127];

impl Proofs {
    /// Reads the records in a directory; none is none.
    pub(super) fn read(directory: &Path, surface: &Surface, sources: &Sources) -> Result<Self> {
        let mut proofs = Self::default();
        let mut names = Names {
            sources,
            known: HashMap::new(),
        };
        let Ok(entries) = std::fs::read_dir(directory) else {
            return Ok(proofs);
        };
        for entry in entries {
            let path = entry?.path();
            let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            let lines: Vec<Value> = text
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect();
            let kind = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            match kind.split('-').next() {
                Some("calls") => proofs.calls(surface, &lines, &mut names),
                Some("clients") => proofs.clients(surface, &lines, &mut names),
                Some("skipped") => proofs.skipped.extend(lines.iter().filter_map(|line| names.of(line))),
                Some(_) | None => {}
            }
        }
        for tests in proofs.tests.values() {
            for test in tests.keys() {
                *proofs.used_by.entry(test.clone()).or_default() += 1;
            }
        }
        Ok(proofs)
    }

    /// Whether nothing was recorded.
    pub(super) fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// The tests that prove an item.
    pub(super) fn of(&self, item: &str) -> &Tests {
        static NONE: Tests = Tests::new();
        self.tests.get(item).unwrap_or(&NONE)
    }

    /// All items that are proven.
    pub(super) fn items(&self) -> impl Iterator<Item = (&String, &Tests)> {
        self.tests.iter()
    }

    /// How many items a test proves.
    pub(super) fn breadth(&self, test: &str) -> usize {
        self.used_by.get(test).copied().unwrap_or_default()
    }

    /// Whether a test, or a part of it, could not run.
    pub(super) fn was_skipped(&self, test: &str) -> bool {
        self.skipped.contains(test)
    }

    /// Whether the endpoint was answered and nothing ever looked at this parameter of it.
    pub(super) fn is_overlooked(&self, call: &str, key: &str) -> bool {
        self.answered.contains(call) && !self.read.contains(&format!("{call}?{key}"))
    }

    /// The record of one daemon: the test, then its calls.
    fn calls(&mut self, surface: &Surface, lines: &[Value], names: &mut Names<'_>) {
        let Some(test) = lines.first().and_then(|line| names.of(line)) else {
            return;
        };
        for line in lines.get(1..).unwrap_or_default() {
            let text = |key: &str| line[key].as_str().unwrap_or_default();
            let Some(endpoint) = route::find(&surface.endpoints, text("method"), text("path")) else {
                continue;
            };
            if line["status"].as_u64().is_none_or(|status| status >= 400) {
                continue;
            }
            let call = &endpoint.call;
            self.answered.insert(call.clone());
            self.add(call.clone(), &test, None);
            let read: HashSet<&str> = texts(&line["read"]).collect();
            self.read.extend(read.iter().map(|key| format!("{call}?{key}")));
            for key in texts(&line["query"]).filter(|key| read.contains(key)) {
                self.add(format!("{call}?{key}"), &test, None);
            }
            for field in texts(&line["body"]) {
                self.add(format!("{call}#{}", general(field)), &test, None);
            }
        }
    }

    /// The record of one test program's clients.
    fn clients(&mut self, surface: &Surface, lines: &[Value], names: &mut Names<'_>) {
        let ended: HashSet<(&str, String)> = lines
            .iter()
            .filter(|line| !line["code"].is_null())
            .map(|line| (line["test"].as_str().unwrap_or_default(), line["words"].to_string()))
            .collect();
        for line in lines {
            let words: Vec<String> = texts(&line["words"]).map(str::to_owned).collect();
            let test = line["test"].as_str().unwrap_or_default();
            let goes_on = line["code"].is_null();
            if goes_on && ended.contains(&(test, line["words"].to_string())) {
                continue;
            }
            let Some(items) = command_line::items(&surface.commands, &words) else {
                continue;
            };
            let passes_on = ["container run", "container exec", "container start", "container attach"]
                .iter()
                .any(|name| items.iter().any(|item| item == name));
            let succeeded = match line["code"].as_i64() {
                None | Some(0) => true,
                Some(code) => passes_on && !OWN_CODES.contains(&code),
            };
            let (Some(test), true) = (names.of(line), succeeded) else {
                continue;
            };
            for item in items {
                self.add(item, &test, line["client"].as_str());
            }
        }
    }

    fn add(&mut self, item: String, test: &str, client: Option<&str>) {
        let clients = self.tests.entry(item).or_default().entry(test.to_owned()).or_default();
        clients.extend(client.map(str::to_owned));
    }
}

/// Names of networks inside a body become `*`.
fn general(field: &str) -> String {
    let parts: Vec<&str> = field.split('.').collect();
    match parts.as_slice() {
        [top, "EndpointsConfig", _, rest @ ..] if !rest.is_empty() => {
            format!("{top}.EndpointsConfig.*.{}", rest.join("."))
        }
        _ => field.to_owned(),
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Tests' files, looked for once.
struct Names<'a> {
    sources: &'a Sources,
    known: HashMap<String, Option<String>>,
}

impl Names<'_> {
    fn of(&mut self, line: &Value) -> Option<String> {
        let running = line["test"].as_str()?;
        let found = self.known.entry(running.to_owned());
        found.or_insert_with(|| self.sources.name(running)).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::surface::tests::small;
    use super::*;

    #[test]
    fn success_that_was_looked_at_is_a_proof() -> Result<()> {
        let root = super::super::root()?;
        let sources = Sources::of(&root)?;
        let surface = small();
        let directory = tempfile::tempdir()?;
        let test = "course::listed::the_list_of_rows_is_true";
        std::fs::write(
            directory.path().join("calls-1.jsonl"),
            format!(
                "{{\"test\":\"{test}\"}}\n\
                 {{\"method\":\"GET\",\"path\":\"/images/json\",\"query\":[\"all\",\"odd\"],\"read\":[\"all\",\"size\"],\"body\":[],\"status\":200}}\n\
                 {{\"method\":\"GET\",\"path\":\"/images/x/json\",\"query\":[],\"read\":[],\"body\":[],\"status\":404}}\n"
            ),
        )?;
        std::fs::write(
            directory.path().join("clients-1.jsonl"),
            format!(
                "{{\"test\":\"{test}\",\"client\":\"corten\",\"words\":[\"ps\",\"-a\"],\"code\":0}}\n\
                 {{\"test\":\"{test}\",\"client\":\"corten\",\"words\":[\"run\",\"--rm\",\"x\"],\"code\":125}}\n\
                 {{\"test\":\"{test}\",\"client\":\"docker\",\"words\":[\"run\",\"-t\",\"x\"],\"code\":3}}\n\
                 {{\"test\":\"{test}\",\"client\":\"docker\",\"words\":[\"ps\",\"-f\",\"x\"],\"code\":null}}\n\
                 {{\"test\":\"{test}\",\"client\":\"docker\",\"words\":[\"ps\",\"-f\",\"x\"],\"code\":1}}\n"
            ),
        )?;
        let proofs = Proofs::read(directory.path(), &surface, &sources)?;
        let mut proven: Vec<&str> = proofs.items().map(|(item, _)| item.as_str()).collect();
        proven.sort_unstable();
        assert_eq!(
            proven,
            [
                "GET /images/json",
                "GET /images/json?all",
                "container ls",
                "container ls --all",
                "container ls = ps",
                "container run",
                "container run --tty",
                "container run = run",
            ]
        );
        assert!(proofs.is_overlooked("GET /images/json", "odd"));
        assert!(!proofs.is_overlooked("GET /images/json", "size"));
        assert!(!proofs.is_overlooked("GET /images/{name}/json", "x"));
        assert_eq!(
            general("NetworkingConfig.EndpointsConfig.n.Aliases"),
            "NetworkingConfig.EndpointsConfig.*.Aliases"
        );
        Ok(())
    }
}
