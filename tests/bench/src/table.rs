//! The table of docs/performance.md.

/// Rows in the order they were measured.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<[String; 3]>);

impl Table {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a figure, what it is compared with or must reach, and what was measured.
    pub(crate) fn row(&mut self, figure: &str, target: &str, measured: impl Into<String>) {
        let measured = measured.into();
        eprintln!("bench: {figure}: {measured}");
        self.0.push([figure.to_owned(), target.to_owned(), measured]);
    }

    /// The commit and the machine as `scripts/bench` tells them, then the rows.
    pub(crate) fn print(&self) {
        if let Ok(measured) = std::env::var("CORTEN_BENCH_COMMIT") {
            println!("Measured at {measured}.\n");
        }
        println!("| figure | target | measured |\n|---|---|---|");
        for [figure, target, measured] in &self.0 {
            println!("| {figure} | {target} | {measured} |");
        }
    }
}
