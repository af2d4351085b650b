//! Templates that nobody would write: random text, deep nesting, loops without end, huge output. Each gives
//! text or an error, in bounded time and memory, and never a panic.

use corten_template::{Missing, Numbers, Template, Value};
use proptest::prelude::*;

const DOCUMENT: &str = r#"{"s":"text","n":3,"list":[1,"a",null],"map":{"k":"v"}}"#;

fn run(source: &str) -> Result<usize, String> {
    let template = Template::read(source).map_err(|error| error.to_string())?;
    let data = Value::from_json(DOCUMENT, Numbers::Float).map_err(|error| error.to_string())?;
    let bytes = template
        .run(&data, Missing::NoValue)
        .map_err(|error| error.to_string())?;
    template.run_over_heads(&data).ok();
    Ok(bytes.len())
}

#[test]
fn limits() {
    for (source, complaint) in [
        ("{{".repeat(5000), "unexpected"),
        ("{{(".to_owned() + &"(".repeat(100_000), "levels deep"),
        ("{{if .s}}".repeat(10_000), "levels deep"),
        (
            "{{define \"a\"}}{{template \"a\" .}}{{end}}{{template \"a\" .}}".to_owned(),
            "maximum template depth",
        ),
        ("{{range 1000000000000}}{{end}}".to_owned(), "steps"),
        (
            "{{range 1000000000000}}{{printf \"%1000000d\" 1}}{{end}}".to_owned(),
            "MiB",
        ),
        ("{{pad .s 999999999999 1}}".to_owned(), "MiB"),
        ("{{$x := .s}}{{range 60}}{{$x = print $x $x}}{{end}}".to_owned(), "MiB"),
    ] {
        let found = run(&source).expect_err("refused");
        assert!(found.contains(complaint), "{found}");
    }
    assert!(run(&("{{if .s}}".repeat(40) + &"{{end}}".repeat(40))).is_ok());
    assert!(run(&format!("{{{{{}.s{}}}}}", "(".repeat(40), ")".repeat(40))).is_ok());
}

/// Pieces that templates are made of, so that random ones get beyond the first character.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "{{",
        "}}",
        "{{-",
        "-}}",
        " ",
        ".",
        ".s",
        ".map.k",
        ".list",
        "$",
        "$x",
        ":=",
        "=",
        "|",
        "(",
        ")",
        "if",
        "else",
        "end",
        "range",
        "with",
        "define",
        "template",
        "block",
        "\"a\"",
        "`b`",
        "'c'",
        "1",
        "-2.5",
        "0x",
        "printf",
        "\"%[1]*.[2]q\"",
        "index",
        "slice",
        "json",
        "len",
        "nil",
        "true",
        "/*",
        "*/",
        ",",
        "break",
        "continue",
        "\n",
        "é",
    ];
    prop_oneof![4 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

proptest! {
    #[test]
    fn never_panics(pieces in prop::collection::vec(piece(), 0..40)) {
        run(&pieces.concat()).ok();
        run(&format!("{{{{{}}}}}", pieces.join(" "))).ok();
    }

    #[test]
    fn formats_never_panic(format in "[%+# 0-9.*\\[\\]a-zA-Z!]{0,20}") {
        run(&format!("{{{{printf {format:?} .s .n .list .map -5 2.5 true}}}}")).ok();
    }
}
