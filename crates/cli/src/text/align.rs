//! Columns of text that tabs end, laid out as Docker's tabwriter does: a column is as wide as the widest of
//! the cells below each other, without a gap between lines; what follows a line's last tab is ragged.

use super::width;

/// Spaces between columns.
const GAP: usize = 3;

/// A line's cells.
type Line<'a> = Vec<&'a str>;

/// The text with spaces for tabs; columns are at least `narrowest` wide, gap included.
pub(crate) fn align(text: &str, narrowest: usize) -> String {
    let (body, ended) = match text.strip_suffix('\n') {
        Some(body) => (body, true),
        None => (text, false),
    };
    if text.is_empty() {
        return String::new();
    }
    let lines: Vec<Line<'_>> = body.split('\n').map(|line| line.split('\t').collect()).collect();
    let mut layout = Layout {
        narrowest,
        widths: Vec::new(),
        out: String::with_capacity(text.len() * 2),
    };
    layout.block(&lines);
    if !ended {
        layout.out.pop();
    }
    layout.out
}

struct Layout {
    narrowest: usize,
    /// The widths of the columns to the left of what is being laid out.
    widths: Vec<usize>,
    out: String,
}

impl Layout {
    /// Lines that share the columns known so far: runs of lines with one more column become blocks of their own.
    fn block(&mut self, lines: &[Line<'_>]) {
        let column = self.widths.len();
        let has_column = |line: &&Line<'_>| column + 1 < line.len();
        let mut rest = lines;
        while !rest.is_empty() {
            let plain = rest.iter().take_while(|line| !has_column(line)).count();
            let (before, behind) = rest.split_at(plain);
            self.write(before);
            let run = behind.iter().take_while(has_column).count();
            let (inside, behind) = behind.split_at(run);
            if !inside.is_empty() {
                let cells = inside.iter().filter_map(|line| line.get(column));
                let widest = cells.map(|cell| width::of(cell) + GAP).max().unwrap_or(0);
                self.widths.push(widest.max(self.narrowest));
                self.block(inside);
                self.widths.pop();
            }
            rest = behind;
        }
    }

    fn write(&mut self, lines: &[Line<'_>]) {
        for line in lines {
            for (place, cell) in line.iter().enumerate() {
                self.out.push_str(cell);
                if let Some(width) = self.widths.get(place) {
                    self.pad(width.saturating_sub(width::of(cell)));
                }
            }
            self.out.push('\n');
        }
    }

    /// Writes so many spaces.
    fn pad(&mut self, mut missing: usize) {
        const SPACES: &str = "                                ";
        while missing > 0 {
            let piece = missing.min(SPACES.len());
            self.out.push_str(&SPACES[..piece]);
            missing -= piece;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns() {
        for (text, expected) in [
            ("", ""),
            ("a\n", "a\n"),
            (
                "CONTAINER ID\tIMAGE\tNAMES\n0123456789ab\tb\tx\n",
                "CONTAINER ID   IMAGE     NAMES\n0123456789ab   b         x\n",
            ),
            (
                "a\tb\nlonger than ten\tc\n",
                "a                 b\nlonger than ten   c\n",
            ),
            ("日本日本日本\tb\nx\tc\n", "日本日本日本   b\nx              c\n"),
            (
                "a\tb\nplain\nlonger than ten\tc\n",
                "a         b\nplain\nlonger than ten   c\n",
            ),
            ("a\t\tb\n", "a                   b\n"),
            ("a\t\n", "a         \n"),
            ("a\tb", "a         b"),
        ] {
            assert_eq!(align(text, 10), expected, "{text:?}");
        }
    }
}
