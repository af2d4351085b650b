//! All filters of `docker ps` (pure): values of one name are alternatives (labels must all hold), names
//! must all match.

use corten_api::Filters;
use corten_api::container::ContainerSummary;
use corten_base::Timestamp;
use corten_base::pattern::Pattern;

use crate::error::{Error, Result};
use crate::volume::label_matches;

const NAMES: &[&str] = &[
    "ancestor",
    "annotation",
    "before",
    "expose",
    "exited",
    "health",
    "id",
    "isolation",
    "is-task",
    "label",
    "label!",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
];

const STATUSES: &[&str] = &[
    "created",
    "running",
    "paused",
    "restarting",
    "removing",
    "exited",
    "dead",
];

/// Filters that were checked.
#[derive(Debug)]
pub struct ContainerFilter {
    filters: Filters,
    exited: Vec<i32>,
    before: Option<Timestamp>,
    since: Option<Timestamp>,
    expose: Vec<PortRange>,
    publish: Vec<PortRange>,
}

/// A container to be judged.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// What the list would show.
    pub summary: &'a ContainerSummary,
    /// Names and ids of its image.
    pub image_references: Vec<String>,
    /// How its last run ended.
    pub exit_code: Option<i32>,
    /// What its health checks say; `none` without.
    pub health: String,
    /// When it was created.
    pub created: Timestamp,
    /// `port/protocol` it exposes.
    pub exposed: Vec<&'a str>,
}

/// `80`, `80/udp`, `8000-8010/tcp`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PortRange {
    first: u16,
    last: u16,
    protocol: String,
}

impl PortRange {
    fn parse(text: &str) -> Option<Self> {
        let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
        Some(Self {
            first: first.parse().ok()?,
            last: last.parse().ok()?,
            protocol: protocol.to_ascii_lowercase(),
        })
    }

    fn has(&self, port: u16, protocol: &str) -> bool {
        (self.first..=self.last).contains(&port) && self.protocol == protocol
    }
}

impl ContainerFilter {
    /// Checks the filters. `created` tells when a container named by `before` or `since` was created.
    pub fn parse(filters: &Filters, created: &dyn Fn(&str) -> Result<Timestamp>) -> Result<Self> {
        filters
            .accept_only(NAMES)
            .map_err(|error| Error::invalid(error.to_string()))?;
        let mut exited = Vec::new();
        for value in filters.get("exited") {
            exited.push(value.parse().map_err(|_| {
                Error::invalid(format!(
                    "invalid filter 'exited={value}': strconv.Atoi: parsing {value:?}: invalid syntax"
                ))
            })?);
        }
        if let Some(value) = filters.get("status").find(|value| !STATUSES.contains(value)) {
            return Err(Error::invalid(format!(
                "invalid filter 'status={value}': invalid value for state ({value}): must be one of {}",
                STATUSES.join(", ")
            )));
        }
        let health = ["none", "starting", "healthy", "unhealthy"];
        if let Some(value) = filters.get("health").find(|value| !health.contains(value)) {
            return Err(Error::invalid(format!(
                "invalid filter 'health={value}': invalid value for health ({value}): must be one of {}",
                health.join(", ")
            )));
        }
        filters
            .boolean("is-task")
            .map_err(|error| Error::invalid(error.to_string()))?;
        let ports = |name: &str| -> Result<Vec<PortRange>> {
            filters
                .get(name)
                .map(|value| {
                    // Sic: dockerd 28.5 answers with 500.
                    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                    let why = if digits { "value out of range" } else { "invalid syntax" };
                    let wrong = || {
                        Error::internal(format!(
                            "error while looking up for {name} {value}: strconv.ParseUint: parsing {value:?}: {why}"
                        ))
                    };
                    PortRange::parse(value).ok_or_else(wrong)
                })
                .collect()
        };
        Ok(Self {
            exited,
            before: filters.get("before").next().map(created).transpose()?,
            since: filters.get("since").next().map(created).transpose()?,
            expose: ports("expose")?,
            publish: ports("publish")?,
            filters: filters.clone(),
        })
    }

    /// Whether the filters speak of containers that do not run, so that all are looked at.
    #[must_use]
    pub fn shows_stopped(&self) -> bool {
        self.filters.contains("exited")
            || self.filters.contains("status")
            || self.before.is_some()
            || self.since.is_some()
    }

    /// Whether a container is wanted.
    #[must_use]
    pub fn matches(&self, candidate: &Candidate<'_>) -> bool {
        let summary = candidate.summary;
        let any =
            |name: &str, test: &dyn Fn(&str) -> bool| !self.filters.contains(name) || self.filters.get(name).any(test);
        any("id", &|value| summary.id.starts_with(value))
            && any("name", &|value| {
                summary.names.iter().any(|name| name_matches(name, value))
            })
            && any("status", &|value| summary.state == value)
            && any("ancestor", &|value| ancestor(candidate, value))
            && any("network", &|value| network(candidate, value))
            && any("volume", &|value| volume(summary, value))
            && any("health", &|value| value == candidate.health)
            && any("isolation", &|value| matches!(value, "" | "default"))
            && any("is-task", &|value| matches!(value, "0" | "false"))
            && self
                .filters
                .get("label")
                .all(|value| label_matches(&summary.labels, value))
            && !self
                .filters
                .get("label!")
                .any(|value| label_matches(&summary.labels, value))
            && self
                .filters
                .get("annotation")
                .all(|value| label_matches(&summary.host_config.annotations, value))
            && self.matches_times(candidate)
            && self.matches_ports(candidate)
    }

    fn matches_times(&self, candidate: &Candidate<'_>) -> bool {
        let exited =
            candidate.summary.state == "exited" && candidate.exit_code.is_some_and(|code| self.exited.contains(&code));
        (self.exited.is_empty() || exited)
            && self.before.is_none_or(|before| candidate.created < before)
            && self.since.is_none_or(|since| candidate.created > since)
    }

    fn matches_ports(&self, candidate: &Candidate<'_>) -> bool {
        let published = |range: &PortRange| {
            candidate
                .summary
                .ports
                .iter()
                .any(|port| port.public_port != 0 && range.has(port.public_port, &port.kind))
        };
        let exposed = |range: &PortRange| {
            candidate.exposed.iter().any(|port| {
                let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
                number.parse().is_ok_and(|number| range.has(number, protocol))
            })
        };
        (self.publish.is_empty() || self.publish.iter().any(published))
            && (self.expose.is_empty() || self.expose.iter().any(exposed))
    }
}

/// Docker takes a regular expression, for the name with and without its slash; one that is none matches nothing.
fn name_matches(name: &str, pattern: &str) -> bool {
    let Ok(parsed) = Pattern::parse(pattern) else {
        return false;
    };
    parsed.matches(name) || parsed.matches(name.trim_start_matches('/'))
}

fn ancestor(candidate: &Candidate<'_>, value: &str) -> bool {
    let tagged = format!("{value}:latest");
    candidate.image_references.iter().any(|name| {
        name == value
            || *name == tagged
            || name
                .strip_prefix("sha256:")
                .is_some_and(|hex| value.len() >= 12 && hex.starts_with(value))
    })
}

fn network(candidate: &Candidate<'_>, value: &str) -> bool {
    let networks = &candidate.summary.network_settings.networks;
    networks.contains_key(value)
        || networks
            .values()
            .any(|endpoint| !endpoint.network_id.is_empty() && endpoint.network_id.starts_with(value))
}

fn volume(summary: &ContainerSummary, value: &str) -> bool {
    summary
        .mounts
        .iter()
        .any(|mount| mount.name == value || mount.destination == value || mount.source == value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use corten_api::container::{EndpointSettings, MountPoint, Port};

    fn summary() -> ContainerSummary {
        ContainerSummary {
            id: "abc123".to_owned(),
            names: vec!["/web-1".to_owned()].into(),
            state: "exited".to_owned(),
            labels: [("tier".to_owned(), "front".to_owned())].into_iter().collect(),
            ports: vec![Port {
                ip: "0.0.0.0".into(),
                private_port: 80,
                public_port: 8080,
                kind: "tcp".into(),
            }]
            .into(),
            mounts: vec![MountPoint {
                name: "v".into(),
                destination: "/data".into(),
                ..MountPoint::default()
            }]
            .into(),
            network_settings: corten_api::container::SummaryNetworkSettings {
                networks: [("bridge".to_owned(), EndpointSettings::default())]
                    .into_iter()
                    .collect(),
            },
            ..ContainerSummary::default()
        }
    }

    #[test]
    fn table() {
        let summary = summary();
        let candidate = Candidate {
            summary: &summary,
            image_references: vec!["nginx:latest".into(), format!("sha256:{}", "a".repeat(64))],
            exit_code: Some(3),
            health: "healthy".into(),
            created: Timestamp::from_unix(100, 0),
            exposed: vec!["443/tcp"],
        };
        let table = [
            (&[("id", "abc")][..], true),
            (&[("id", "bc")][..], false),
            (&[("name", "web")][..], true),
            (&[("name", "^web-1$")][..], true),
            (&[("name", "^/web-1$")][..], true),
            (&[("name", "^eb")][..], false),
            (&[("name", "^w.b-[0-9]$")][..], true),
            (&[("name", "[")][..], false),
            (&[("status", "running"), ("status", "exited")][..], true),
            (&[("status", "running")][..], false),
            (&[("exited", "3")][..], true),
            (&[("exited", "0")][..], false),
            (&[("ancestor", "nginx")][..], true),
            (&[("ancestor", "redis")][..], false),
            (&[("label", "tier=front"), ("label", "tier")][..], true),
            (&[("label", "tier=front"), ("label", "x")][..], false),
            (&[("label!", "tier")][..], false),
            (&[("publish", "8000-9000/tcp")][..], true),
            (&[("publish", "80")][..], false),
            (&[("expose", "443")][..], true),
            (&[("volume", "v")][..], true),
            (&[("volume", "/data")][..], true),
            (&[("network", "bridge")][..], true),
            (&[("health", "healthy"), ("health", "none")][..], true),
            (&[("health", "none")][..], false),
            (&[("network", "other")][..], false),
            (&[("before", "later")][..], true),
            (&[("since", "later")][..], false),
        ];
        for (pairs, expected) in table {
            let mut filters = Filters::default();
            for (name, value) in pairs {
                filters.add(name, value);
            }
            let filter = ContainerFilter::parse(&filters, &|_| Ok(Timestamp::from_unix(200, 0))).unwrap();
            assert_eq!(filter.matches(&candidate), expected, "{pairs:?}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for (name, value) in [
            ("bogus", "1"),
            ("status", "x"),
            ("exited", "x"),
            ("publish", "x"),
            ("health", "x"),
        ] {
            let mut filters = Filters::default();
            filters.add(name, value);
            assert!(
                ContainerFilter::parse(&filters, &|_| Ok(Timestamp::ZERO)).is_err(),
                "{name}"
            );
        }
    }
}
