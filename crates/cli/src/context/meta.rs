//! `meta.json`: a context's name, what describes it, and its endpoints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::DOCKER;

/// A context as it is kept; keys that are not ours are kept as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Meta {
    /// Its name.
    pub(crate) name: String,
    /// Its description and whatever others have put there.
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, Value>,
    /// Its endpoints by kind.
    #[serde(default)]
    pub(crate) endpoints: BTreeMap<String, Value>,
}

impl Meta {
    /// A context without endpoints.
    pub(crate) fn new(name: &str, description: &str) -> Self {
        let mut meta = Self {
            name: name.to_owned(),
            ..Self::default()
        };
        meta.describe(description);
        meta
    }

    /// Its description.
    pub(crate) fn description(&self) -> &str {
        self.metadata
            .get("Description")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Describes it anew, unless `text` is empty.
    pub(crate) fn describe(&mut self, text: &str) {
        if !text.is_empty() {
            self.metadata.insert("Description".to_owned(), text.into());
        }
    }

    /// The engine's address and whether its certificate goes unchecked; `None` without such an endpoint.
    pub(crate) fn engine(&self) -> Option<(&str, bool)> {
        let endpoint = self.endpoints.get(DOCKER)?;
        let host = endpoint.get("Host").and_then(Value::as_str).unwrap_or_default();
        let skip = endpoint.get("SkipTLSVerify").and_then(Value::as_bool);
        Some((host, skip.unwrap_or(false)))
    }

    /// Replaces the engine.
    pub(crate) fn set_engine(&mut self, host: &str, skip_verify: bool) {
        let endpoint = json!({"Host": host, "SkipTLSVerify": skip_verify});
        self.endpoints.insert(DOCKER.to_owned(), endpoint);
    }
}

/// JSON as Go writes it: what could be markup is escaped.
pub(crate) fn go_json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).expect("texts and numbers are always JSON");
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_as_docker_writes_it() {
        let mut meta = Meta::new("ab", "hi <you>");
        meta.set_engine("tcp://1.2.3.4:2376", true);
        assert_eq!(
            go_json(&meta),
            r#"{"Name":"ab","Metadata":{"Description":"hi \u003cyou\u003e"},"Endpoints":{"docker":{"Host":"tcp://1.2.3.4:2376","SkipTLSVerify":true}}}"#
        );
    }

    #[test]
    fn leftovers_stay() {
        let text = r#"{"Name":"k","Metadata":{"StackOrchestrator":"swarm","Zed":[1]},"Endpoints":{"docker":{"Host":"h"},"kubernetes":{"Host":"x"}}}"#;
        let mut meta: Meta = serde_json::from_str(text).unwrap();
        assert_eq!(meta.engine(), Some(("h", false)));
        meta.describe("d");
        meta.describe("");
        let written = go_json(&meta);
        assert!(written.contains(r#""kubernetes":{"Host":"x"}"#), "{written}");
        assert!(written.contains(r#""Metadata":{"Description":"d","StackOrchestrator":"swarm","Zed":[1]}"#));
    }
}
