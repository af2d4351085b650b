//! One object printed by a template.
//!
//! An object is first read as the type that Docker's client knows it by. What that type does not have is
//! looked for in the JSON as the engine sent it, where a missing key is an error.

use corten_template::{Missing, Numbers, ReadError, RunError, Type, Value};
use serde_json::value::RawValue;

/// A template that was read.
#[derive(Debug)]
pub(crate) struct Template(corten_template::Template);

/// A template, or what it asks for, does not exist.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("template parsing error: {0}")]
    Read(#[from] ReadError),
    #[error("template parsing error: {0}")]
    Run(#[from] RunError),
    #[error("{0}")]
    Bare(RunError),
    #[error("unable to read inspect data: {0}")]
    Decode(#[from] corten_template::DecodeError),
}

impl Template {
    /// Reads a template.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(Self(corten_template::Template::read(text)?))
    }

    /// Reads a template with a name, which errors tell.
    pub(crate) fn named(name: &'static str, text: &str) -> Result<Self, TemplateError> {
        Ok(Self(corten_template::Template::read_named(name, text)?))
    }

    /// The template filled from an object that Docker knows as `kind`, or from its JSON text.
    pub(crate) fn fill_as(&self, object: &RawValue, kind: Option<&'static Type>) -> Result<String, TemplateError> {
        let typed = kind.and_then(|kind| Value::from_json_as(object.get(), kind).ok());
        if let Some(bytes) = typed.and_then(|value| self.0.run(&value, Missing::NoValue).ok()) {
            return Ok(lossy(bytes));
        }
        let value = Value::from_json(object.get(), Numbers::Text)?;
        Ok(lossy(self.0.run(&value, Missing::Error)?))
    }

    /// The template filled from an object of the type and nothing else.
    pub(crate) fn fill_only(&self, object: &str, kind: &'static Type) -> Result<String, TemplateError> {
        let value = Value::from_json_as(object, kind)?;
        let bytes = self.0.run(&value, Missing::NoValue).map_err(TemplateError::Bare)?;
        Ok(lossy(bytes))
    }

    /// The template over a value.
    pub(super) fn run(&self, value: &Value) -> Result<String, TemplateError> {
        Ok(lossy(self.0.run(value, Missing::NoValue)?))
    }

    /// The head of a table: as much as could be made of it.
    pub(super) fn head(&self, heads: &Value) -> String {
        self.0.run_over_heads(heads).map(lossy).unwrap_or_default()
    }
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    const OBJECT: &str = r#"{"Id":"abc","Name":"/web","Created":"2026-01-01T00:00:00Z","Args":["a","b"],"RestartCount":0,
        "State":{"Status":"running","Running":true,"Pid":7,"ExitCode":0,"StartedAt":"x"},
        "HostConfig":{"Memory":64000000,"NanoCpus":0},"New":{"Key":5},
        "Config":{"Labels":{"k":"v"},"ExposedPorts":{"80/tcp":{}},"Cmd":["sh"],"Env":null},"Mounts":[],
        "NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}]},
        "Networks":{"bridge":{"IPAddress":"172.17.0.2"}}}}"#;

    fn fill(template: &str) -> Result<String, String> {
        let object: &RawValue = serde_json::from_str(OBJECT).unwrap();
        Template::parse(template)
            .and_then(|template| template.fill_as(object, Some(&schema::CONTAINER)))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_container_as_docker_prints_it() {
        for (template, expected) in [
            ("orsys vous salut {{.Name}}", "orsys vous salut /web"),
            ("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", "172.17.0.2"),
            (
                "{{with .State}} {{$.Name}} mon PiD {{.Pid}} {{end}}",
                " /web mon PiD 7 ",
            ),
            ("{{.State}}", "{running true false false false false 7 0  x  <nil>}"),
            ("{{.ID}}", "abc"),
            ("{{.Id}}", "abc"),
            ("{{.ID}} {{.RestartCount}} {{.Driver}}|", "abc 0 |"),
            (
                "{{.Config.ExposedPorts}} {{.Config.Labels}} {{.Config.Env}}",
                "map[80/tcp:{}] map[k:v] []",
            ),
            (
                r#"{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}"#,
                "8080",
            ),
            ("{{json .State.Health}} {{json .Args}}", "null [\"a\",\"b\"]"),
            ("{{.New.Key}} {{.HostConfig.Memory}}", "5 64000000"),
            ("{{.HostConfig.Memory}}", "64000000"),
            ("{{.Config.Labels.nope}}", "<no value>"),
            (r#"{{index .Config.Labels "nope"}}|"#, "|"),
            (r"{{.Name}}\t", "/web\\t"),
        ] {
            assert_eq!(fill(template), Ok(expected.to_owned()), "{template}");
        }
    }

    #[test]
    fn what_is_not_there() {
        for (template, expected) in [
            // No field of Go's type and no key of the JSON has both names.
            (
                "{{.ID}} {{.Id}}",
                "template: :1:2: executing \"\" at <.ID>: map has no entry for key \"ID\"",
            ),
            (
                "{{.Foo}}",
                "template: :1:2: executing \"\" at <.Foo>: map has no entry for key \"Foo\"",
            ),
            (
                "{{.State.Foo}}",
                "template: :1:8: executing \"\" at <.State.Foo>: map has no entry for key \"Foo\"",
            ),
            ("{{.Name", "template: :1: unclosed action"),
            ("{{.Name}", "template: :1: bad character U+007D '}'"),
            ("{{.Name }", "template: :1: unexpected \"}\" in operand"),
            ("{{foo}}", "template: :1: function \"foo\" not defined"),
        ] {
            assert_eq!(
                fill(template),
                Err(format!("template parsing error: {expected}")),
                "{template}"
            );
        }
    }
}
