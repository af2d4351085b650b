//! Lists: which columns an object has, and how `--format` prints a list of them.
//!
//! A command names its columns once, as a table of field name, head and value; tables, JSON and templates
//! follow from it. Field names and heads are Docker's: scripts use both.

use super::template::{Template, TemplateError};
use crate::text::table::Table;

/// What can be listed, and how it looks without a template.
#[derive(Debug)]
pub(crate) struct Listing<T: 'static> {
    /// Docker's name for one such object, for the text of an error: `*formatter.ContainerContext`.
    pub(crate) kind: &'static str,
    /// Every field a template can name.
    pub(crate) columns: &'static [Column<T>],
    /// What `.Label "name"` gives; `None` for objects without labels.
    #[expect(dead_code, reason = "templates with calls are read by the next commit")]
    pub(crate) label: Option<fn(&T, &str) -> String>,
    /// The template of the default table, without `table`.
    pub(crate) table: &'static str,
    /// The template of `--quiet`.
    pub(crate) quiet: &'static str,
    /// The template of `--format raw`; empty if there is none.
    pub(crate) raw: &'static str,
}

/// One field: its name in templates and JSON, the head over its column, its text.
#[derive(Debug)]
pub(crate) struct Column<T: 'static> {
    name: &'static str,
    head: &'static str,
    value: fn(&T) -> Option<String>,
}

impl<T> Column<T> {
    /// A field that has no value (`null` in JSON) for some objects.
    pub(crate) const fn new(name: &'static str, head: &'static str, value: fn(&T) -> Option<String>) -> Self {
        Self { name, head, value }
    }
}

impl<T> Listing<T> {
    /// The template to print by: the one given, else the configured one, else the default table.
    pub(crate) fn template(&self, given: Option<&str>, configured: &str, quiet: bool) -> String {
        let format = match given {
            Some(format) if !format.is_empty() => format,
            _ if configured.is_empty() || quiet => "table",
            _ => configured,
        };
        match format {
            "table" if quiet => self.quiet.to_owned(),
            "table" => format!("table {}", self.table),
            "raw" if !self.raw.is_empty() => self.raw.to_owned(),
            other => other.to_owned(),
        }
    }

    /// The text of a whole list.
    pub(crate) fn print(&self, format: &str, items: &[T]) -> Result<String, TemplateError> {
        match format.strip_prefix("table") {
            Some(template) => self.print_table(&Template::parse(template.trim_matches(' '))?, items),
            None if format == "json" => Ok(items.iter().map(|item| self.json(item) + "\n").collect()),
            None => {
                let template = Template::parse(format)?;
                let lines = items
                    .iter()
                    .map(|item| self.fill(&template, item).map(|line| line + "\n"));
                lines.collect()
            }
        }
    }

    fn print_table(&self, template: &Template, items: &[T]) -> Result<String, TemplateError> {
        let cells = |line: String| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
        let mut table = Table::default();
        table.row(cells(template.map_fields(|path, _| {
            let name = path.last().map(String::as_str).unwrap_or_default();
            let head = self.columns.iter().find(|column| column.name == name);
            Ok(head.map_or("<no value>", |column| column.head).to_owned())
        })?));
        for item in items {
            table.row(cells(self.fill(template, item)?));
        }
        Ok(table.render())
    }

    fn fill(&self, template: &Template, item: &T) -> Result<String, TemplateError> {
        template.map_fields(|path, json| match path {
            [] if json => Ok(self.json(item)),
            [name] => match self.columns.iter().find(|column| column.name == name) {
                Some(column) => {
                    let value = (column.value)(item);
                    if json {
                        Ok(serde_json::to_string(&value).expect("texts are always JSON"))
                    } else {
                        Ok(value.unwrap_or_default())
                    }
                }
                None => Err(TemplateError::Field(name.clone(), self.kind)),
            },
            _ => Err(TemplateError::Unsupported(format!(".{}", path.join(".")))),
        })
    }

    /// All fields as a JSON object, sorted by name.
    fn json(&self, item: &T) -> String {
        let columns = self.columns.iter();
        let sorted: std::collections::BTreeMap<_, _> =
            columns.map(|column| (column.name, (column.value)(item))).collect();
        let text = serde_json::to_string(&sorted).expect("texts are always JSON");
        // Go's encoder escapes what could be markup.
        text.replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Box {
        id: &'static str,
        name: &'static str,
    }

    const BOXES: Listing<Box> = Listing {
        kind: "*test.Box",
        columns: &[
            Column::new("ID", "BOX ID", |item| Some(item.id.to_owned())),
            Column::new("Names", "NAMES", |item| Some(item.name.to_owned())),
            Column::new("Platform", "PLATFORM", |_| None),
        ],
        label: None,
        table: "{{.ID}}\\t{{.Names}}",
        quiet: "{{.ID}}",
        raw: "id: {{.ID}}\\n",
    };

    #[test]
    fn every_layout() {
        let print = |given: &str, quiet| {
            let format = BOXES.template(Some(given), "", quiet);
            BOXES.print(&format, &[Box { id: "abc", name: "x" }])
        };
        assert_eq!(print("", false).unwrap(), "BOX ID    NAMES\nabc       x\n");
        assert_eq!(print("", true).unwrap(), "abc\n");
        assert_eq!(print("raw", false).unwrap(), "id: abc\n\n");
        let json = "{\"ID\":\"abc\",\"Names\":\"x\",\"Platform\":null}\n";
        assert_eq!(print("json", false).unwrap(), json);
        assert_eq!(print("{{json .}}", false).unwrap(), json);
        assert_eq!(print("{{.Names}}!", true).unwrap(), "x!\n");
        assert_eq!(print("table {{.Names}}", false).unwrap(), "NAMES\nx\n");
        assert!(print("{{.Foo}}", false).is_err());
    }

    #[test]
    fn the_template_to_print_by() {
        assert_eq!(BOXES.template(None, "{{.Names}}", false), "{{.Names}}");
        assert_eq!(BOXES.template(None, "{{.Names}}", true), "{{.ID}}");
        assert_eq!(BOXES.template(Some("json"), "{{.Names}}", false), "json");
        assert_eq!(
            BOXES.template(Some("table"), "{{.Names}}", false),
            "table {{.ID}}\\t{{.Names}}"
        );
    }
}
