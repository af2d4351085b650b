//! The `--help` page of a command, laid out as Docker's users know it.

use std::fmt::Write as _;

use super::Flag;
use crate::speech::say;
use crate::terminal;

/// Columns a help page fills when there is no terminal.
const WIDTH: usize = 80;
/// Below this many columns a description starts on a line of its own.
const NARROW: usize = 24;
/// Where it then begins.
const BLOCK_INDENT: usize = 16;
/// Columns a last line may be longer, so that no short word stands alone.
const SLOP: usize = 5;

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
        let mut page = format!("{}  {}\n\n{}\n", say("Usage:"), self.usage, say(self.about));
        if !self.aliases.is_empty() {
            writeln!(page, "\n{}\n  {}", say("Aliases:"), self.aliases.join(", ")).expect("a string takes everything");
        }
        let flags: Vec<&Flag> = self
            .tables
            .iter()
            .flat_map(|table| table.iter())
            .filter(|flag| !flag.hidden)
            .collect();
        if !flags.is_empty() {
            writeln!(page, "\n{}", say("Options:")).expect("a string takes everything");
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
    let columns = terminal::size().map_or(WIDTH, |(_, columns)| usize::from(columns));
    let mut text = String::new();
    for (flag, left) in flags.iter().zip(&left) {
        let mut about = say(flag.about).into_owned();
        if !flag.default.is_empty() {
            write!(about, " ({} {})", say("default"), flag.default).expect("a string takes everything");
        }
        let about = wrap(&about, width, columns);
        writeln!(text, "{left:width$}{about}").expect("a string takes everything");
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

/// Breaks `text`, which begins at column `indent`, so that it fits; the lines below are indented alike.
/// As pflag does it: a last line of up to [`SLOP`] letters more is not broken off.
fn wrap(text: &str, indent: usize, columns: usize) -> String {
    let (indent, mut out) = match columns.saturating_sub(indent) < NARROW {
        true => (BLOCK_INDENT, format!("\n{:BLOCK_INDENT$}", "")),
        false => (indent, String::new()),
    };
    let width = columns.saturating_sub(indent);
    if width < NARROW {
        return text.to_owned();
    }
    let width = width - SLOP;
    let mut rest = text;
    loop {
        let (line, behind) = cut(rest, width);
        out.push_str(line);
        match behind {
            Some(behind) => rest = behind,
            None => return out,
        }
        write!(out, "\n{:indent$}", "").expect("a string takes everything");
    }
}

/// The first line of `text`: up to a line end, or the last blank that fits.
fn cut(text: &str, width: usize) -> (&str, Option<&str>) {
    let fits = text.char_indices().nth(width).map_or(text.len(), |(at, _)| at);
    let end = match text.find('\n') {
        Some(end) if end <= fits => Some(end),
        Some(_) | None if text.chars().count() <= width + SLOP => None,
        Some(_) | None => text[..fits].rfind(' '),
    };
    match end {
        Some(end) => (&text[..end], Some(&text[end + 1..])),
        None => (text, None),
    }
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
