//! Templates over documents, beside what Go 1.24 makes of them (`text/template` with Docker's functions).
//!
//! `golden/written.jsonl` are cases by hand, one rule each; `golden/random.jsonl` are random templates. Each
//! line has the template `t`, the document's number `d`, how it was decoded `m`, and Go's output `o` or
//! error `e`. `CORTEN_GOLDEN=<file>` compares further cases.

use corten_template::{Field, Missing, Numbers, Struct, Template, Type, Value};

const PORT: Type = Type::Named("main.Port", &Type::Text);

const INNER: Type = Type::Struct(&Struct {
    name: "main.Inner",
    fields: &[
        Field::new("Host", "HostIp", &Type::Text),
        Field::new("Num", "Num", &Type::Int),
        Field::new("Opt", "Opt", &Type::Text).omitted(),
    ],
});

const BASE: Type = Type::Struct(&Struct {
    name: "main.Base",
    fields: &[Field::new("Id", "Id", &Type::Text)],
});

const LABELS: Type = Type::Map(&Type::Text, &Type::Text);

const EMPTY: Type = Type::Struct(&Struct { name: "", fields: &[] });

const OUTER: Type = Type::Struct(&Struct {
    name: "main.Outer",
    fields: &[
        Field::new("Base", "", &BASE),
        Field::new("Name", "Name", &Type::Text),
        Field::new("Count", "Count", &Type::Int64),
        Field::new("Big", "Big", &Type::Uint64),
        Field::new("Ratio", "Ratio", &Type::Float64),
        Field::new("On", "On", &Type::Bool),
        Field::new("In", "In", &Type::Pointer(&INNER)),
        Field::new("NilIn", "NilIn", &Type::Pointer(&INNER)),
        Field::new("Val", "Val", &INNER),
        Field::new("List", "List", &Type::List(&Type::Text)),
        Field::new("NoList", "NoList", &Type::List(&Type::Text)),
        Field::new("Structs", "Structs", &Type::List(&INNER)),
        Field::new("Labels", "Labels", &LABELS),
        Field::new("NoMap", "NoMap", &LABELS),
        Field::new("Ports", "Ports", &Type::Map(&PORT, &Type::List(&INNER))),
        Field::new("Set", "Set", &Type::Map(&PORT, &EMPTY)),
        Field::new("Wait", "Wait", &Type::Duration),
        Field::new("At", "At", &Type::Time),
        Field::new("Any", "Any", &Type::Any),
        Field::new("Empty", "Empty", &Type::Text).omitted(),
    ],
});

fn outcome(source: &str, document: &str, mode: &str) -> Result<String, String> {
    let template = Template::read(source).map_err(|error| error.to_string())?;
    let (value, missing) = match mode {
        "float" => (Value::from_json(document, Numbers::Float), Missing::NoValue),
        "number" => (Value::from_json(document, Numbers::Text), Missing::Error),
        _ => (Value::from_json_as(document, &Type::Pointer(&OUTER)), Missing::NoValue),
    };
    let value = value.expect("documents fit their types");
    let bytes = template.run(&value, missing).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Compares all cases of a file; how many there were.
fn compare(cases: &str) -> usize {
    let documents: Vec<&str> = include_str!("golden/documents.jsonl").lines().collect();
    let mut different = Vec::new();
    let mut count = 0;
    for line in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("a case per line");
        let text = |key: &str| case.get(key).and_then(|value| value.as_str());
        let (source, mode) = (text("t").expect("a template"), text("m").expect("a mode"));
        let number = case.get("d").and_then(serde_json::Value::as_u64).unwrap_or(0);
        let document = documents[usize::try_from(number).expect("few documents")];
        let expected = match (text("o"), text("e")) {
            (Some(output), _) => Ok(output.to_owned()),
            (None, error) => Err(error.expect("output or error").to_owned()),
        };
        let found = outcome(source, document, mode);
        count += 1;
        if found != expected {
            different.push(format!(
                "{mode} {number} {source:?}\n  go:   {expected:?}\n  here: {found:?}"
            ));
        }
    }
    let shown: Vec<String> = different.iter().take(40).cloned().collect();
    assert!(
        different.is_empty(),
        "{} of {count} differ\n{}",
        different.len(),
        shown.join("\n")
    );
    count
}

#[test]
fn as_go_does() {
    if let Ok(path) = std::env::var("CORTEN_GOLDEN") {
        let cases = std::fs::read_to_string(path).expect("CORTEN_GOLDEN names a file");
        println!("{} further cases", compare(&cases));
        return;
    }
    assert!(compare(include_str!("golden/written.jsonl")) > 200);
    assert!(compare(include_str!("golden/random.jsonl")) > 500);
}
