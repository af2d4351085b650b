//! What a log says of its container beside the output: labels, variables and a tag that its options choose (pure).

use std::collections::BTreeMap;

use corten_api::Map;
use corten_base::Timestamp;
use corten_template::{Field, Missing, Struct, Template, Type, Value};
use regex_lite::Regex;

/// The tag where the options have none, for those drivers that always have one: the short id.
pub(crate) const DEFAULT_TAG: &str = "{{.ID}}";

/// What tags can be made of. Names as in Docker's `logger.Info`.
#[derive(Debug, Clone)]
pub(crate) struct Facts<'a> {
    pub(crate) options: &'a Map<String>,
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) entrypoint: &'a str,
    pub(crate) arguments: &'a [String],
    pub(crate) image_id: &'a str,
    pub(crate) image_name: &'a str,
    pub(crate) created: Timestamp,
    pub(crate) env: &'a [String],
    pub(crate) labels: &'a Map<String>,
    pub(crate) log_path: &'a str,
}

/// An option cannot be followed. Displays as Docker's text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttributeError {
    #[error("error parsing regexp: {0}")]
    Pattern(String),
    #[error("{0}")]
    TagText(#[from] corten_template::ReadError),
    #[error("{0}")]
    Tag(#[from] corten_template::RunError),
}

impl Facts<'_> {
    /// The labels and variables that the options name or match.
    pub(crate) fn chosen(&self) -> Result<BTreeMap<String, String>, AttributeError> {
        let labels = self
            .labels
            .into_iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        let variables = self.env.iter().filter_map(|variable| variable.split_once('='));
        let mut chosen = BTreeMap::new();
        for (names, pattern, pairs) in [
            ("labels", "labels-regex", labels.collect::<Vec<_>>()),
            ("env", "env-regex", variables.collect()),
        ] {
            let names: Vec<&str> = self
                .option(names)
                .map(|names| names.split(',').collect())
                .unwrap_or_default();
            let pattern = self.option(pattern).map(regex).transpose()?;
            let wanted = |key: &str| names.contains(&key) || pattern.as_ref().is_some_and(|found| found.is_match(key));
            for (key, value) in pairs.into_iter().filter(|(key, _)| wanted(key)) {
                chosen.insert(key.to_owned(), value.to_owned());
            }
        }
        Ok(chosen)
    }

    /// What json-file records with each line: as chosen, and the tag if there is an option for it.
    pub(crate) fn recorded(&self) -> Result<BTreeMap<String, String>, AttributeError> {
        let mut recorded = self.chosen()?;
        let tag = self.tag("")?;
        if !tag.is_empty() {
            recorded.insert("tag".to_owned(), tag);
        }
        Ok(recorded)
    }

    /// The tag: the option's template, or `default`, filled.
    pub(crate) fn tag(&self, default: &str) -> Result<String, AttributeError> {
        let template = self.option("tag").unwrap_or(default);
        if template.is_empty() {
            return Ok(String::new());
        }
        let template = Template::read_named("log-tag", template)?;
        let filled = template.run(&self.value(), Missing::NoValue)?;
        Ok(String::from_utf8_lossy(&filled).into_owned())
    }

    fn option(&self, name: &str) -> Option<&str> {
        self.options
            .get(name)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    }

    fn value(&self) -> Value {
        let short = |id: &str| id.get(..12).unwrap_or(id).to_owned();
        let command = [&[self.entrypoint.to_owned()], self.arguments].concat().join(" ");
        let facts = serde_json::json!({
            "Config": self.options, "ContainerID": self.id, "ContainerName": format!("/{}", self.name),
            "ContainerEntrypoint": self.entrypoint, "ContainerArgs": self.arguments,
            "ContainerImageID": self.image_id, "ContainerImageName": self.image_name,
            "ContainerCreated": self.created.to_string(), "ContainerEnv": self.env, "ContainerLabels": self.labels,
            "LogPath": self.log_path, "DaemonName": "docker",
            "ID": short(self.id), "FullID": self.id, "Name": self.name, "ImageID": short(self.image_id),
            "ImageFullID": self.image_id, "ImageName": self.image_name, "Command": command,
            "Hostname": crate::network::files::host_name(),
        });
        Value::from_json_as(&facts.to_string(), &INFO).unwrap_or(Value::Missing)
    }
}

const TEXTS: Type = Type::List(&Type::Text);
const TEXT_MAP: Type = Type::Map(&Type::Text, &Type::Text);

/// Fields and, behind them, what are methods without arguments in Go.
const INFO: Type = Type::Pointer(&Type::Struct(&Struct {
    name: "logger.Info",
    fields: &[
        Field::new("Config", "Config", &TEXT_MAP),
        Field::new("ContainerID", "ContainerID", &Type::Text),
        Field::new("ContainerName", "ContainerName", &Type::Text),
        Field::new("ContainerEntrypoint", "ContainerEntrypoint", &Type::Text),
        Field::new("ContainerArgs", "ContainerArgs", &TEXTS),
        Field::new("ContainerImageID", "ContainerImageID", &Type::Text),
        Field::new("ContainerImageName", "ContainerImageName", &Type::Text),
        Field::new("ContainerCreated", "ContainerCreated", &Type::Time),
        Field::new("ContainerEnv", "ContainerEnv", &TEXTS),
        Field::new("ContainerLabels", "ContainerLabels", &TEXT_MAP),
        Field::new("LogPath", "LogPath", &Type::Text),
        Field::new("DaemonName", "DaemonName", &Type::Text),
        Field::new("ID", "ID", &Type::Text),
        Field::new("FullID", "FullID", &Type::Text),
        Field::new("Name", "Name", &Type::Text),
        Field::new("ImageID", "ImageID", &Type::Text),
        Field::new("ImageFullID", "ImageFullID", &Type::Text),
        Field::new("ImageName", "ImageName", &Type::Text),
        Field::new("Command", "Command", &Type::Text),
        Field::new("Hostname", "Hostname", &Type::Text),
    ],
}));

/// A pattern; what Go says of the mistakes that are made most is said in Go's words.
fn regex(pattern: &str) -> Result<Regex, AttributeError> {
    Regex::new(pattern).map_err(|error| {
        let reason = error.to_string();
        let opened = pattern.matches('(').count();
        AttributeError::Pattern(match pattern.matches(')').count() {
            closed if closed < opened => format!("missing closing ): `{pattern}`"),
            closed if closed > opened => format!("unexpected ): `{pattern}`"),
            _ => format!("{reason}: `{pattern}`"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(options: &[(&str, &str)], ask: impl FnOnce(&Facts<'_>) -> T) -> T {
        let pairs = |pairs: &[(&str, &str)]| -> Map<String> {
            let pairs = pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            pairs.collect()
        };
        ask(&Facts {
            options: &pairs(options),
            id: "cf915ca927ad04414c4e23e5095c7f07338df221131d49cbbaceea0d5af9ed3b",
            name: "c1",
            entrypoint: "sh",
            arguments: &["-c".to_owned()],
            image_id: "sha256:788d9dbe8c33f3b0846b158f0e938c67becbfbed76dde79223a2f679e321c4ce",
            image_name: "busybox",
            created: Timestamp::from_unix(0, 0),
            env: &["A=1".to_owned(), "AB=2".to_owned(), "C".to_owned()],
            labels: &pairs(&[("b", "2"), ("com.x", "3")]),
            log_path: "",
        })
    }

    #[test]
    fn labels_and_variables() {
        let chosen = |options: &[(&str, &str)]| with(options, |facts| facts.recorded().unwrap());
        let texts = |options: &[(&str, &str)]| -> Vec<String> {
            let pairs = chosen(options).into_iter();
            pairs.map(|(key, value)| format!("{key}={value}")).collect()
        };
        assert_eq!(texts(&[]), [""; 0]);
        let all = [
            ("labels", "b,zz"),
            ("labels-regex", "^com"),
            ("env-regex", "^A"),
            ("tag", "{{.Name}}/{{.ID}}x"),
        ];
        assert_eq!(texts(&all), ["A=1", "AB=2", "b=2", "com.x=3", "tag=c1/cf915ca927adx"]);
        assert_eq!(texts(&[("env", "AB,C,D")]), ["AB=2"]);
        let failed = with(&[("env-regex", "(")], |facts| facts.chosen().unwrap_err().to_string());
        assert_eq!(failed, "error parsing regexp: missing closing ): `(`");
    }

    /// Asked of dockerd 28.5.2.
    #[test]
    fn tags() {
        let tag = |template: &str| {
            let tag = with(&[("tag", template)], |facts| facts.tag(DEFAULT_TAG));
            tag.unwrap_or_else(|error| error.to_string())
        };
        assert_eq!(tag(""), "cf915ca927ad");
        assert_eq!(
            tag("{{.ImageName}}/{{.Name}}/{{.DaemonName}}/{{.ImageID}}/{{index .ContainerLabels \"b\"}}"),
            "busybox/c1/docker/sha256:788d9/2"
        );
        assert_eq!(tag("{{.Command}} {{.ContainerName}} {{len .FullID}}"), "sh -c /c1 64");
        assert_eq!(tag("{{"), "template: log-tag:1: unclosed action");
        assert_eq!(
            tag("{{.Bogus}}"),
            "template: log-tag:1:2: executing \"log-tag\" at <.Bogus>: can't evaluate field Bogus in type *logger.Info"
        );
    }
}
