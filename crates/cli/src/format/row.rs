//! Lists of objects as rows of named texts: `ps`, `images`, `history`.

use super::template::{Template, TemplateError};
use crate::text::table::Table;

/// One object's fields, each as it is shown; `None` is nothing in text and `null` in JSON.
#[derive(Debug, Default)]
pub(crate) struct Row(Vec<(&'static str, Option<String>)>);

/// How a list is printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout<'a> {
    /// `--format`'s text; empty for the default table.
    pub(crate) format: &'a str,
    /// The fields of the default table.
    pub(crate) columns: &'a [&'static str],
    /// The head over each field.
    pub(crate) heads: &'a [(&'static str, &'static str)],
}

impl Row {
    /// A row of texts.
    pub(crate) fn new<const N: usize>(fields: [(&'static str, String); N]) -> Self {
        Self(fields.into_iter().map(|(name, text)| (name, Some(text))).collect())
    }

    /// The same with a field that has no value.
    pub(crate) fn with_null(mut self, name: &'static str) -> Self {
        self.0.push((name, None));
        self
    }

    /// The field of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(field, _)| *field == name)
            .map(|(_, value)| value.as_deref().unwrap_or_default())
    }

    /// All fields as a JSON object, sorted by name.
    pub(crate) fn json(&self) -> String {
        let sorted: std::collections::BTreeMap<_, _> = self.0.iter().map(|(name, value)| (*name, value)).collect();
        let text = serde_json::to_string(&sorted).expect("texts are always JSON");
        // Go's encoder escapes what could be markup.
        text.replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026")
    }
}

impl Layout<'_> {
    fn head(&self, name: &str) -> Option<&'static str> {
        self.heads
            .iter()
            .find(|(field, _)| *field == name)
            .map(|(_, head)| *head)
    }
}

/// The text of a whole list.
pub(crate) fn print_rows(layout: Layout<'_>, rows: &[Row]) -> Result<String, TemplateError> {
    match layout.format {
        "" | "table" => {
            let template: Vec<String> = layout.columns.iter().map(|name| format!("{{{{.{name}}}}}")).collect();
            table(layout, &Template::parse(&template.join("\t"))?, rows)
        }
        "json" => Ok(rows.iter().map(|row| row.json() + "\n").collect()),
        format => match format.strip_prefix("table ") {
            Some(template) => table(layout, &Template::parse(template.trim())?, rows),
            None => lines(&Template::parse(format)?, rows),
        },
    }
}

fn table(layout: Layout<'_>, template: &Template, rows: &[Row]) -> Result<String, TemplateError> {
    let cells = |line: String| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let mut table = Table::default();
    table.row(cells(template.map_fields(|path, _| {
        let name = path.last().map(String::as_str).unwrap_or_default();
        Ok(layout.head(name).map_or_else(|| name.to_uppercase(), str::to_owned))
    })?));
    for row in rows {
        table.row(cells(fill(template, row)?));
    }
    Ok(table.render())
}

fn lines(template: &Template, rows: &[Row]) -> Result<String, TemplateError> {
    rows.iter()
        .map(|row| fill(template, row).map(|line| line + "\n"))
        .collect()
}

fn fill(template: &Template, row: &Row) -> Result<String, TemplateError> {
    template.map_fields(|path, json| match path {
        [] if json => Ok(row.json()),
        [name] => match row.get(name) {
            Some(value) if json => Ok(serde_json::to_string(value).expect("texts are always JSON")),
            Some(value) => Ok(value.to_owned()),
            None => Err(TemplateError::Field(name.clone())),
        },
        _ => Err(TemplateError::Unsupported(format!(".{}", path.join(".")))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout() {
        let rows = [Row::new([("ID", "abc".to_owned()), ("Names", "x".to_owned())])];
        let heads = [("ID", "CONTAINER ID"), ("Names", "NAMES")];
        let print = |format| {
            print_rows(
                Layout {
                    format,
                    columns: &["ID", "Names"],
                    heads: &heads,
                },
                &rows,
            )
        };
        assert_eq!(print("").unwrap(), "CONTAINER ID   NAMES\nabc            x\n");
        assert_eq!(print("json").unwrap(), "{\"ID\":\"abc\",\"Names\":\"x\"}\n");
        assert_eq!(print("{{.Names}}!").unwrap(), "x!\n");
        assert_eq!(print("table {{.Names}}").unwrap(), "NAMES\nx\n");
        assert_eq!(print("{{json .}}").unwrap(), "{\"ID\":\"abc\",\"Names\":\"x\"}\n");
        assert!(print("{{.Foo}}").is_err());
    }
}
