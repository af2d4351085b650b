//! Templates of plain text and field paths.

use serde_json::value::RawValue;

use crate::json::{self, Entries};

/// A template that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field { path: Vec<String>, json: bool },
}

/// A template is beyond what is understood, or asks for what is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("template parsing error: template: :1: unclosed action")]
    Unclosed,
    #[error("template parsing error: the template action {{{{{0}}}}} is not supported yet")]
    Unsupported(String),
    #[error("template parsing error: template: :1:2: executing \"\" at <.{0}>: map has no entry for key \"{1}\"")]
    Missing(String, String),
    #[error(
        "failed to execute template: template: :1:2: executing \"\" at <.{0}>: can't evaluate field {0} in type {1}"
    )]
    Field(String, &'static str),
    #[error("template parsing error: printing the object at .{0} without json is not supported yet")]
    Composite(String),
    #[error("template parsing error: {0}")]
    Json(String),
}

impl Template {
    /// Reads `text`; `\t` and `\n` written as two characters stand for tab and line end.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let text = text.replace("\\t", "\t").replace("\\n", "\n");
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, behind)) = rest.split_once("{{") {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let (action, behind) = behind.split_once("}}").ok_or(TemplateError::Unclosed)?;
            parts.push(read_action(action)?);
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The template filled from an object's JSON text.
    pub(crate) fn fill(&self, object: &RawValue) -> Result<String, TemplateError> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Field { path, json } => text.push_str(&field(object, path, *json)?),
            }
        }
        Ok(text)
    }

    /// The template with each field replaced by what `name` says of its last segment.
    pub(crate) fn map_fields(
        &self,
        name: impl Fn(&[String], bool) -> Result<String, TemplateError>,
    ) -> Result<String, TemplateError> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Field { path, json } => text.push_str(&name(path, *json)?),
            }
        }
        Ok(text)
    }
}

fn read_action(action: &str) -> Result<Part, TemplateError> {
    let unsupported = || TemplateError::Unsupported(action.to_owned());
    let trimmed = action.trim();
    let (path, json) = match trimmed.strip_prefix("json ") {
        Some(path) => (path.trim(), true),
        None => (trimmed, false),
    };
    let path = path.strip_prefix('.').ok_or_else(unsupported)?;
    if path.is_empty() {
        return Ok(Part::Field { path: Vec::new(), json });
    }
    let names: Vec<String> = path.split('.').map(str::to_owned).collect();
    let valid =
        |name: &String| !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    if names.iter().all(valid) {
        Ok(Part::Field { path: names, json })
    } else {
        Err(unsupported())
    }
}

fn field(object: &RawValue, path: &[String], as_json: bool) -> Result<String, TemplateError> {
    let mut value = object;
    for name in path {
        value = json::get(value, name).ok_or_else(|| TemplateError::Missing(path.join("."), name.clone()))?;
    }
    if as_json {
        return json::compact(value.get()).map_err(|error| TemplateError::Json(error.to_string()));
    }
    plain(value).ok_or_else(|| TemplateError::Composite(path.join(".")))
}

/// How Go prints a value: strings bare, lists in brackets, maps as `map[key:value]` sorted by key.
/// Nothing for objects below the first level, which Go prints by rules that need their types.
fn plain(value: &RawValue) -> Option<String> {
    let text = value.get();
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str(text).ok(),
        b'n' => Some("<nil>".to_owned()),
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            let items: Option<Vec<String>> = items.into_iter().map(scalar).collect();
            Some(format!("[{}]", items?.join(" ")))
        }
        b'{' => {
            let Entries(mut entries) = serde_json::from_str(text).ok()?;
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            let entries: Option<Vec<String>> = entries
                .iter()
                .map(|(key, value)| match value.get() {
                    "{}" => Some(format!("{key}:{{}}")),
                    _ => scalar(value).map(|value| format!("{key}:{value}")),
                })
                .collect();
            Some(format!("map[{}]", entries?.join(" ")))
        }
        _ => Some(text.to_owned()),
    }
}

fn scalar(value: &RawValue) -> Option<String> {
    if value.get().starts_with(['[', '{']) {
        None
    } else {
        plain(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str, object: &str) -> Result<String, String> {
        let object: &RawValue = serde_json::from_str(object).unwrap();
        Template::parse(template)
            .and_then(|template| template.fill(object))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn paths_and_json() {
        let object = r#"{"Name":"/x","State":{"Status":"running","Pid":7},"Args":["a","b"],"L":{"k":"v"},"N":null}"#;
        for (template, expected) in [
            ("orsys {{.Name}}", "orsys /x"),
            ("{{.State.Status}} {{ .State.Pid }}", "running 7"),
            ("{{json .State}}", r#"{"Status":"running","Pid":7}"#),
            ("{{.Args}} {{.L}}", "[a b] map[k:v]"),
            (r"{{.Name}}\t{{.N}}", "/x\t<nil>"),
        ] {
            assert_eq!(fill(template, object).as_deref(), Ok(expected));
        }
        assert!(
            fill("{{.Foo}}", object)
                .unwrap_err()
                .contains("map has no entry for key \"Foo\"")
        );
        assert!(
            fill("{{range .Args}}", object)
                .unwrap_err()
                .contains("{{range .Args}} is not supported yet")
        );
        assert!(fill("{{.Name", object).is_err());
    }
}
