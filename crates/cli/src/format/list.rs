//! Lists: which columns an object has, and how `--format` prints a list of them.
//!
//! A command names its columns once, as a table of field name, head and value; tables, JSON and templates
//! follow from it. Field names and heads are Docker's: scripts use both.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use corten_api::Map;
use corten_template::{Member, Object, Param, Value};

use super::plain::{self, Piece};
use super::template::{Template, TemplateError};
use crate::text::align::align;

/// Columns are at least so wide, the gap included.
const NARROWEST: usize = 10;

/// What can be listed, and how it looks without a template.
#[derive(Debug)]
pub(crate) struct Listing<T: 'static> {
    /// Docker's name for one such object, for the text of an error: `*formatter.ContainerContext`.
    pub(crate) kind: &'static str,
    /// Every field a template can name.
    pub(crate) columns: &'static [Column<T>],
    /// Where `.Label "name"` looks; `None` for objects without labels.
    pub(crate) labels: Option<fn(&T) -> &Map<String>>,
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
    value: Read<T>,
}

/// How a field is read.
#[derive(Debug)]
enum Read<T: 'static> {
    Text(fn(&T) -> Option<String>),
    Truth(fn(&T) -> bool),
}

/// A field as it was read.
#[derive(Debug)]
enum Field {
    Text(Option<String>),
    Truth(bool),
}

impl<T> Read<T> {
    fn of(&self, item: &T) -> Field {
        match self {
            Self::Text(read) => Field::Text(read(item)),
            Self::Truth(read) => Field::Truth(read(item)),
        }
    }
}

impl<T> Column<T> {
    /// A field that has no value (`null` in JSON) for some objects.
    pub(crate) const fn new(name: &'static str, head: &'static str, value: fn(&T) -> Option<String>) -> Self {
        let value = Read::Text(value);
        Self { name, head, value }
    }

    /// A field that is true or false. Docker gives it no head.
    pub(crate) const fn truth(name: &'static str, value: fn(&T) -> bool) -> Self {
        Self {
            name,
            head: "",
            value: Read::Truth(value),
        }
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
            "raw" if quiet => self.quiet_raw(),
            "raw" if !self.raw.is_empty() => self.raw.to_owned(),
            other => other.to_owned(),
        }
    }

    /// The line of the raw template that has what a quiet list shows.
    fn quiet_raw(&self) -> String {
        let raw = unescaped(self.raw);
        let line = raw.lines().find(|line| line.contains(self.quiet));
        line.unwrap_or(self.quiet).to_owned()
    }

    /// The text of a whole list.
    pub(crate) fn print(&self, format: &str, items: impl IntoIterator<Item = T>) -> Result<String, TemplateError> {
        let table = format.strip_prefix("table");
        let source = match format {
            "json" => "{{json .}}".to_owned(),
            _ => unescaped(table.unwrap_or(format)),
        };
        let template = Template::parse(&source)?;
        let plain = self.plain(&source);
        let mut text = String::new();
        for item in items {
            match &plain {
                Some(cells) => cells.iter().for_each(|cell| cell.write(&item, &mut text)),
                None => text.push_str(&template.run(&Value::Object(Rc::new(self.row(item))))?),
            }
            text.push('\n');
        }
        if table.is_none() {
            return Ok(text);
        }
        let heads = Value::Object(Rc::new(self.heads()));
        Ok(align(&format!("{}\n{text}", template.head(&heads)), NARROWEST))
    }

    /// What a template of nothing but known fields and text is made of.
    fn plain<'a>(&self, source: &'a str) -> Option<Vec<Cell<'a, T>>> {
        let cell = |piece| match piece {
            Piece::Text(text) => Some(Cell::Text(text)),
            Piece::Field(name) => self.columns.iter().find(|column| column.name == name).map(Cell::Column),
        };
        plain::pieces(source)?.into_iter().map(cell).collect()
    }

    /// The fields that a template asks an empty object for.
    pub(crate) fn fields_used(&self, format: &str, empty: T) -> Result<Vec<&'static str>, TemplateError> {
        let row = Rc::new(self.row(empty));
        Template::parse(format)?.run(&Value::Object(Rc::clone(&row) as Rc<dyn Object>))?;
        let used = row.used.borrow().clone();
        Ok(used)
    }

    fn row(&self, item: T) -> Row<T> {
        Row {
            kind: self.kind,
            columns: self.columns,
            labels: self.labels,
            item,
            used: RefCell::default(),
        }
    }

    fn heads(&self) -> Heads {
        let columns = self.columns.iter().filter(|column| !column.head.is_empty());
        Heads(columns.map(|column| (column.name, column.head)).collect())
    }
}

/// A piece of a row that needs no template.
enum Cell<'a, T: 'static> {
    Text(&'a str),
    Column(&'static Column<T>),
}

impl<T> Cell<'_, T> {
    fn write(&self, item: &T, text: &mut String) {
        match self {
            Self::Text(fixed) => text.push_str(fixed),
            Self::Column(column) => match column.value.of(item) {
                Field::Text(value) => text.push_str(value.as_deref().unwrap_or("<nil>")),
                Field::Truth(truth) => text.push_str(if truth { "true" } else { "false" }),
            },
        }
    }
}

/// A format's text as a template: no spaces around it, `\t` and `\n` for tab and line end.
fn unescaped(format: &str) -> String {
    format.trim_matches(' ').replace("\\t", "\t").replace("\\n", "\n")
}

/// One object of a list: its fields are methods to Go, read when they are asked for.
struct Row<T: 'static> {
    kind: &'static str,
    columns: &'static [Column<T>],
    labels: Option<fn(&T) -> &Map<String>>,
    item: T,
    used: RefCell<Vec<&'static str>>,
}

impl<T> fmt::Debug for Row<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Field {
    fn value(self) -> Value {
        match self {
            Self::Text(Some(text)) => Value::text(text),
            Self::Text(None) => Value::Nil(&corten_template::Type::Pointer(&PLATFORM)),
            Self::Truth(truth) => Value::Bool(truth),
        }
    }
}

/// What a field without a value is a pointer to.
const PLATFORM: corten_template::Type = corten_template::Type::Struct(&corten_template::Struct {
    name: "formatter.Platform",
    fields: &[],
});

impl<T> Object for Row<T> {
    fn kind(&self) -> &str {
        self.kind
    }

    fn member(&self, name: &str) -> Member {
        if name == "Label" && self.labels.is_some() {
            return Member::Method(&[Param::Text]);
        }
        match self.columns.iter().find(|column| column.name == name) {
            Some(column) => {
                self.used.borrow_mut().push(column.name);
                Member::Value(column.value.of(&self.item).value())
            }
            None => Member::Unknown,
        }
    }

    fn call(&self, _: &str, arguments: &[Value]) -> Result<Value, String> {
        let labels = self.labels.map(|labels| labels(&self.item));
        let name = match arguments {
            [Value::Text(name, _)] => String::from_utf8_lossy(name).into_owned(),
            _ => String::new(),
        };
        let text = labels.and_then(|labels| labels.get(&name));
        Ok(text.map_or_else(|| Value::text(""), Value::text))
    }

    /// All fields, sorted by name.
    fn json(&self) -> String {
        let mut used = self.used.borrow_mut();
        used.extend(self.columns.iter().map(|column| column.name));
        let json = |column: &Column<T>| match column.value.of(&self.item) {
            Field::Text(text) => serde_json::json!(text),
            Field::Truth(truth) => serde_json::json!(truth),
        };
        let sorted: BTreeMap<_, _> = self.columns.iter().map(|column| (column.name, json(column))).collect();
        let text = serde_json::to_string(&sorted).expect("texts are always JSON");
        // Go's encoder escapes what could be markup.
        text.replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026")
    }
}

/// The heads over the columns, a map to Go with a method for labels.
#[derive(Debug)]
struct Heads(Vec<(&'static str, &'static str)>);

impl Object for Heads {
    fn kind(&self) -> &str {
        "formatter.SubHeaderContext"
    }

    fn member(&self, name: &str) -> Member {
        match self.0.iter().find(|(field, _)| *field == name) {
            _ if name == "Label" => Member::Method(&[Param::Text]),
            Some((_, head)) => Member::Value(Value::text(head)),
            None => Member::Absent,
        }
    }

    /// The head over a label: its last part, in words.
    fn call(&self, _: &str, arguments: &[Value]) -> Result<Value, String> {
        let name = match arguments {
            [Value::Text(name, _)] => String::from_utf8_lossy(name).into_owned(),
            _ => String::new(),
        };
        let last = name.rsplit('.').next().unwrap_or_default();
        Ok(Value::text(last.replace(['-', '_'], " ")))
    }

    fn json(&self) -> String {
        self.plain().map(|plain| plain.to_json()).unwrap_or_default()
    }

    fn plain(&self) -> Option<Value> {
        let entries = self
            .0
            .iter()
            .map(|(name, head)| ((*name).to_owned(), (*head).to_owned()));
        Some(Value::text_map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Box {
        id: &'static str,
        name: &'static str,
        labels: Map<String>,
    }

    const BOXES: Listing<Box> = Listing {
        kind: "*test.Box",
        columns: &[
            Column::new("ID", "BOX ID", |item| Some(item.id.to_owned())),
            Column::new("Names", "NAMES", |item| Some(item.name.to_owned())),
            Column::new("Platform", "PLATFORM", |_| None),
        ],
        labels: Some(|item| &item.labels),
        table: "{{.ID}}\\t{{.Names}}",
        quiet: "{{.ID}}",
        raw: "name: {{.Names}}\\nid: {{.ID}}\\n",
    };

    #[test]
    fn every_layout() {
        let print = |given: &str, quiet| {
            let format = BOXES.template(Some(given), "", quiet);
            let labels = [("com.example.a-b".to_owned(), "v".to_owned())].into_iter().collect();
            let (id, name) = ("abc", "x");
            BOXES.print(&format, [Box { id, name, labels }])
        };
        assert_eq!(print("", false).unwrap(), "BOX ID    NAMES\nabc       x\n");
        assert_eq!(print("", true).unwrap(), "abc\n");
        assert_eq!(print("raw", false).unwrap(), "name: x\nid: abc\n\n");
        assert_eq!(print("raw", true).unwrap(), "id: abc\n");
        let json = "{\"ID\":\"abc\",\"Names\":\"x\",\"Platform\":null}\n";
        assert_eq!(print("json", false).unwrap(), json);
        assert_eq!(print("{{json .}}", false).unwrap(), json);
        assert_eq!(print("{{.Names}}!", true).unwrap(), "x!\n");
        assert_eq!(print("table {{.Names}}", false).unwrap(), "NAMES\nx\n");
        for (template, expected) in [
            (
                "table {{.Label \"com.example.a-b\"}}\\t{{.Nope}}",
                "can't evaluate field Nope in type *test.Box",
            ),
            (
                "table {{upper .Names}}\\t{{.Label \"com.example.a-b\"}}",
                "NAMES     a b\nX         v\n",
            ),
            ("table {{if .Names}}{{.ID}}{{end}}", "BOX ID\nabc\n"),
            (
                "{{pad .Names 2 1}}|{{.Label \"nope\"}}|{{.Platform}}|",
                "  x ||<nil>|\n",
            ),
            ("{{.Label}}", "wrong number of args for Label: want 1 got 0"),
            (
                "{{.Foo}}",
                "template: :1:2: executing \"\" at <.Foo>: can't evaluate field Foo in type *test.Box",
            ),
        ] {
            match print(template, false) {
                Ok(text) => assert_eq!(text, expected),
                Err(error) => assert!(error.to_string().contains(expected), "{error}"),
            }
        }
    }

    #[test]
    fn fields_that_are_asked_for() {
        let (id, name, labels) = ("", "", Map::default());
        let used = |format| {
            BOXES.fields_used(
                format,
                Box {
                    id,
                    name,
                    labels: Map::clone(&labels),
                },
            )
        };
        assert_eq!(
            used("{{.ID}} {{if .Names}}{{.Platform}}{{end}}").unwrap(),
            ["ID", "Names"]
        );
        assert_eq!(used("{{json .}}").unwrap(), ["ID", "Names", "Platform"]);
        assert!(used("{{slice .ID 0 5}}").is_err());
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
