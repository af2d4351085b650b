//! Tables, laid out as Docker's: columns at least 10 wide unless asked otherwise, 3 spaces apart, the last one ragged.

use super::align::align;

const NARROWEST: usize = 10;

/// A table under construction.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    narrowest: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self::with_narrowest(NARROWEST)
    }
}

impl Table {
    /// A table whose columns are at least `narrowest` characters wide, gap included.
    pub(crate) fn with_narrowest(narrowest: usize) -> Self {
        Self {
            rows: Vec::new(),
            narrowest,
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The text, one line per row.
    pub(crate) fn render(&self) -> String {
        let lines: String = self.rows.iter().map(|row| row.join("\t") + "\n").collect();
        align(&lines, self.narrowest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::default();
        table.row(["CONTAINER ID", "IMAGE", "NAMES"].map(str::to_owned).to_vec());
        table.row(vec!["0123456789ab".to_owned(), "b".to_owned(), "x".to_owned()]);
        assert_eq!(
            table.render(),
            "CONTAINER ID   IMAGE     NAMES\n0123456789ab   b         x\n"
        );
    }
}
