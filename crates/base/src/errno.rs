//! The kernel's reasons in words.

use std::fmt::Display;

/// The reason as Go programs print it: lower case, no number. Clients match these words.
#[must_use]
pub fn words<E: Display + ?Sized>(error: &E) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_as_go_prints_them() {
        let error = std::io::Error::from_raw_os_error(2);
        assert_eq!(words(&error), "no such file or directory");
    }
}
