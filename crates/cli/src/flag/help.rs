//! The `--help` page of a command, laid out as Docker's users know it.

use std::fmt::Write as _;

use super::Flag;

/// Columns a help page fills when output is no terminal.
const WIDTH: usize = 80;

/// What a help page is made of.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// `corten run [OPTIONS] IMAGE [COMMAND] [ARG...]`.
    pub(crate) usage: &'a str,
    /// One sentence.
    pub(crate) about: &'a str,
    /// The command's other names, each whole.
    pub(crate) aliases: &'a [String],
    /// Its flags.
    pub(crate) tables: &'a [&'static [Flag]],
}

impl Page<'_> {
    /// The page's text.
    pub(crate) fn render(&self) -> String {
        let mut page = format!("Usage:  {}\n\n{}\n", self.usage, self.about);
        if !self.aliases.is_empty() {
            writeln!(page, "\nAliases:\n  {}", self.aliases.join(", ")).expect("a string takes everything");
        }
        let flags: Vec<&Flag> = self
            .tables
            .iter()
            .flat_map(|table| table.iter())
            .filter(|flag| !flag.hidden)
            .collect();
        if !flags.is_empty() {
            page.push_str("\nOptions:\n");
            page.push_str(&print_flags(flags));
        }
        page
    }
}

/// One line or more per flag, sorted by name, descriptions aligned and wrapped.
pub(crate) fn print_flags(mut flags: Vec<&Flag>) -> String {
    flags.sort_by_key(|flag| flag.name);
    let left: Vec<String> = flags.iter().map(|flag| left_column(flag)).collect();
    let width = left.iter().map(String::len).max().unwrap_or(0) + 3;
    let mut text = String::new();
    for (flag, left) in flags.iter().zip(&left) {
        let mut about = flag.about.to_owned();
        if !flag.default.is_empty() {
            write!(about, " (default {})", flag.default).expect("a string takes everything");
        }
        let lines = wrap(&about, WIDTH.saturating_sub(width).max(24));
        for (index, line) in lines.iter().enumerate() {
            let left = if index == 0 { left.as_str() } else { "" };
            writeln!(text, "{left:width$}{line}").expect("a string takes everything");
        }
    }
    text
}

fn left_column(flag: &Flag) -> String {
    let mut text = match flag.short {
        Some(letter) => format!("  -{letter}, --{}", flag.name),
        None => format!("      --{}", flag.name),
    };
    if !flag.kind.word().is_empty() {
        text.push(' ');
        text.push_str(flag.kind.word());
    }
    text
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("starts with one line");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    const FLAGS: &[Flag] = &[
        Flag::new("quiet", Kind::Bool, "Only show identifiers").short('q'),
        Flag::new("last", Kind::Integer, "Show the newest containers, running or not")
            .short('n')
            .default("-1"),
        Flag::new("old", Kind::Bool, "").hidden(),
    ];

    #[test]
    fn lays_out_flags() {
        let page = Page {
            usage: "corten ps [OPTIONS]",
            about: "List",
            aliases: &[],
            tables: &[FLAGS],
        };
        assert_eq!(
            page.render(),
            "Usage:  corten ps [OPTIONS]\n\nList\n\nOptions:\n  \
             -n, --last int   Show the newest containers, running or not (default -1)\n  \
             -q, --quiet      Only show identifiers\n"
        );
    }
}
