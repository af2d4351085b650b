//! The engine's messages in French: whole, or not at all.
//!
//! The engine speaks English to every client. A line of its words is translated if all of it is known; else it stays
//! as the engine wrote it, with its first words: no line is in two languages. What stands in a placeholder is a name
//! and stays, but for placeholders that hold a message of their own. Pure.

use super::catalogue::Catalogue;
use super::pattern;

/// Placeholders that hold a further message.
const MESSAGES: [&str; 2] = ["message", "why"];

/// Messages within messages, at most.
const DEPTH: u32 = 12;

/// The French of a line that the engine said; `None` if some of it is not known.
pub(super) fn french(catalogue: &Catalogue, line: &str) -> Option<String> {
    within(catalogue, line, DEPTH)
}

fn within(catalogue: &Catalogue, text: &str, depth: u32) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    if let Some(whole) = catalogue.exact(text) {
        return Some(whole.to_owned());
    }
    catalogue.readings(text).find_map(|(captures, french)| {
        let mut said = Vec::new();
        for (name, value) in &captures {
            let value = match MESSAGES.contains(name) {
                true => within(catalogue, value, depth)?,
                false => (*value).to_owned(),
            };
            said.push((*name, value));
        }
        let said: Vec<(&str, &str)> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Some(pattern::fill(french, &said, str::to_owned))
    })
}
