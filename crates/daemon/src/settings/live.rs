//! What can change while the daemon runs (SIGHUP), and how the new and the old go together. Pure.
//!
//! As dockerd 28.5 does it: some keys keep their value when the file no longer names them, the others go back
//! to their defaults; everything else is read at the start only.

use std::collections::BTreeMap;
use std::time::Duration;

use super::values::{Values, masked};
use super::{is_set, last, list};

/// Values that may change, as they are now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live(Values);

/// Keys that keep their value when the file says nothing about them.
const KEPT: &[&str] = &[
    "debug",
    "label",
    "live-restore",
    "shutdown-timeout",
    "registry-mirror",
    "insecure-registry",
    "add-runtime",
];

/// Keys that go back to their default then.
const RESET: &[&str] = &[
    "max-concurrent-downloads",
    "max-concurrent-uploads",
    "max-download-attempts",
    "feature",
    "default-runtime",
];

impl Live {
    /// What of all values may change later.
    #[must_use]
    pub fn of(values: &Values) -> Self {
        let is_live = |name: &&'static str| KEPT.contains(name) || RESET.contains(name);
        let kept = values.iter().filter(|(name, _)| is_live(name));
        Self(kept.map(|(name, values)| (*name, values.clone())).collect())
    }

    /// What becomes of these when `values` are read.
    #[must_use]
    pub fn reloaded(&self, values: &Values) -> Self {
        let mut new = Self::of(values);
        for name in KEPT {
            if let (Some(old), false) = (self.0.get(name), new.0.contains_key(name)) {
                new.0.insert(name, old.clone());
            }
        }
        new
    }

    /// Whether more is logged, and told.
    #[must_use]
    pub fn debug(&self) -> bool {
        is_set(&self.0, "debug")
    }

    /// The engine's own labels.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        list(&self.0, "label")
    }

    /// Whether containers go on without the daemon; none: as usual.
    #[must_use]
    pub fn live_restore(&self) -> Option<bool> {
        last(&self.0, "live-restore").map(|value| value == "true")
    }

    /// How long the end of the daemon may take.
    #[must_use]
    pub fn shutdown_limit(&self) -> Duration {
        let seconds = last(&self.0, "shutdown-timeout").and_then(|text| text.parse::<i64>().ok());
        // Negative: as long as it takes. A year is that.
        let forever = 365 * 24 * 3600;
        Duration::from_secs(seconds.map_or(15, |seconds| u64::try_from(seconds).unwrap_or(forever)))
    }

    /// Registries that are asked before Docker Hub.
    #[must_use]
    pub fn mirrors(&self) -> &[String] {
        list(&self.0, "registry-mirror")
    }

    /// Registries that need no TLS: names, addresses and subnets.
    #[must_use]
    pub fn insecure_registries(&self) -> &[String] {
        list(&self.0, "insecure-registry")
    }

    /// Whether a feature was switched on or off.
    #[must_use]
    pub fn feature(&self, name: &str) -> Option<bool> {
        let given = list(&self.0, "feature").iter().rev();
        let mut given = given.map(|feature| feature.split_once('=').unwrap_or((feature, "true")));
        given
            .find(|(feature, _)| *feature == name)
            .map(|(_, value)| value == "true")
    }

    /// What Docker tells with the event `reload`.
    #[must_use]
    pub fn attributes(&self, fixed: &Fixed) -> BTreeMap<&'static str, String> {
        let number = |name, usual: &str| last(&self.0, name).unwrap_or(usual).to_owned();
        let texts = |name| serde_json::to_string(list(&self.0, name)).unwrap_or_default();
        let runtimes = list(&self.0, "add-runtime")
            .iter()
            .filter_map(|runtime| runtime.split('=').next());
        let live_restore = self.live_restore().unwrap_or(fixed.live_restore);
        [
            ("debug", self.debug().to_string()),
            ("default-cgroupns-mode", fixed.cgroupns_mode.clone()),
            ("default-ipc-mode", fixed.ipc_mode.clone()),
            ("default-runtime", number("default-runtime", "runc")),
            ("default-shm-size", fixed.shm_size_bytes.to_string()),
            (
                "features",
                format!("map[{}]", list(&self.0, "feature").join(" ").replace('=', ":")),
            ),
            ("insecure-registries", texts("insecure-registry")),
            ("labels", texts("label")),
            ("live-restore", live_restore.to_string()),
            ("max-concurrent-downloads", number("max-concurrent-downloads", "3")),
            ("max-concurrent-uploads", number("max-concurrent-uploads", "5")),
            ("max-download-attempts", number("max-download-attempts", "5")),
            ("registry-mirrors", texts("registry-mirror")),
            ("runtimes", runtimes.collect::<Vec<_>>().join(" ")),
            ("shutdown-timeout", self.shutdown_limit().as_secs().to_string()),
        ]
        .into()
    }
}

/// What the event tells too, and no reload changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The group namespace of containers that do not say.
    pub cgroupns_mode: String,
    /// The IPC namespace of containers that do not say.
    pub ipc_mode: String,
    /// Their `/dev/shm`, in bytes.
    pub shm_size_bytes: u64,
    /// What `live-restore` is when nobody says.
    pub live_restore: bool,
}

/// Outgoing calls go through these; the daemon's environment counts where neither flag nor file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `http://`.
    pub http: String,
    /// For `https://`.
    pub https: String,
    /// Hosts without one.
    pub none: String,
}

impl Proxies {
    /// Reads them. `environment` looks a variable up.
    pub(super) fn read(values: &Values, environment: impl Fn(&str) -> Option<String>) -> Self {
        let chosen = |name: &str, variable: &str| {
            let given = last(values, name).map(str::to_owned);
            given
                .or_else(|| environment(variable))
                .or_else(|| environment(&variable.to_ascii_lowercase()))
                .unwrap_or_default()
        };
        Self {
            http: chosen("http-proxy", "HTTP_PROXY"),
            https: chosen("https-proxy", "HTTPS_PROXY"),
            none: chosen("no-proxy", "NO_PROXY"),
        }
    }

    /// As everybody may see them.
    #[must_use]
    pub fn shown(&self) -> Self {
        Self {
            http: masked(&self.http),
            https: masked(&self.https),
            none: self.none.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file::from_file;

    fn live(text: &str) -> Live {
        Live::of(&from_file(text).unwrap())
    }

    #[test]
    fn some_keys_stay_and_some_go_back() {
        let old = live(
            r#"{"debug":true,"labels":["b=2"],"registry-mirrors":["https://n"],"max-concurrent-downloads":7,
            "live-restore":true,"shutdown-timeout":33,"features":{"x":true},"mtu":1400}"#,
        );
        let new = old.reloaded(&from_file(r#"{"labels":["c=3"]}"#).unwrap());
        assert!(new.debug());
        assert_eq!(new.labels(), ["c=3"]);
        assert_eq!(new.mirrors(), ["https://n"]);
        assert_eq!((new.live_restore(), new.shutdown_limit().as_secs()), (Some(true), 33));
        let fixed = Fixed {
            cgroupns_mode: "host".to_owned(),
            ipc_mode: "private".to_owned(),
            shm_size_bytes: 67_108_864,
            live_restore: false,
        };
        let told = new.attributes(&fixed);
        assert_eq!(told["max-concurrent-downloads"], "3");
        assert_eq!(told["features"], "map[]");
        assert_eq!(told["labels"], "[\"c=3\"]");
        assert_eq!(old.attributes(&fixed)["features"], "map[x:true]");
        assert_eq!(told.len(), 15);
        assert!(
            !live(r#"{"debug":true}"#)
                .reloaded(&from_file(r#"{"debug":false}"#).unwrap())
                .debug()
        );
        assert!(live(r#"{"shutdown-timeout":-1}"#).shutdown_limit() > Duration::from_secs(1_000_000));
    }

    #[test]
    fn proxies_of_flags_come_before_those_of_the_environment() {
        let values = from_file(r#"{"proxies":{"http-proxy":"http://u:p@h"}}"#).unwrap();
        let environment = |name: &str| match name {
            "HTTP_PROXY" => Some("http://other".to_owned()),
            "no_proxy" => Some("x".to_owned()),
            _ => None,
        };
        let proxies = Proxies::read(&values, environment);
        assert_eq!((proxies.http.as_str(), proxies.none.as_str()), ("http://u:p@h", "x"));
        assert_eq!(proxies.shown().http, "http://xxxxx:xxxxx@h");
        assert_eq!(proxies.https, "");
    }
}
