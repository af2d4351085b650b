//! Templates of `--format` with printf, over a document: text or an error, never a panic, in bounded time.
#![no_main]

use corten_template::{Missing, Numbers, Template, Value};

const DOCUMENT: &str = r#"{"s":"text","n":3,"f":1.5,"list":[1,"a",null,[true]],"map":{"k":"v","m":{"n":1}}}"#;

libfuzzer_sys::fuzz_target!(|source: &str| {
    let Ok(template) = Template::read(source) else {
        return;
    };
    for (numbers, missing) in [(Numbers::Float, Missing::NoValue), (Numbers::Text, Missing::Error)] {
        let data = Value::from_json(DOCUMENT, numbers).expect("the document is JSON");
        drop(template.run(&data, missing));
    }
});
