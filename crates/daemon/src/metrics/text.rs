//! Metrics as Prometheus reads them (text format 0.0.4), under the names that Docker gives them. Pure.

use std::fmt::Write as _;

use corten_engine::tally::{BUCKETS, DurationCounts};

/// A page of metrics.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// Begins a metric. `kind` is `gauge`, `counter` or `histogram`.
    pub(super) fn begin(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// A metric with one value.
    pub(super) fn single(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.begin(name, kind, help);
        self.value(name, &[], value);
    }

    /// One value of the metric that was begun.
    pub(super) fn value(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.line(format_args!("{name}{} {value}", braced(labels, None)));
    }

    /// One histogram of the metric that was begun.
    pub(super) fn histogram(&mut self, name: &str, labels: &[(&str, &str)], counts: &DurationCounts) {
        for (limit, count) in BUCKETS.iter().zip(counts.up_to) {
            self.line(format_args!(
                "{name}_bucket{} {count}",
                braced(labels, Some(&limit.to_string()))
            ));
        }
        self.line(format_args!(
            "{name}_bucket{} {}",
            braced(labels, Some("+Inf")),
            counts.count
        ));
        let labels = braced(labels, None);
        self.line(format_args!("{name}_sum{labels} {}", counts.seconds));
        self.line(format_args!("{name}_count{labels} {}", counts.count));
    }

    /// The page.
    pub(super) fn into_text(self) -> String {
        self.0
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a string takes everything");
    }
}

/// `{name="value",le="limit"}`; nothing without labels.
fn braced(labels: &[(&str, &str)], limit: Option<&str>) -> String {
    let all = labels.iter().copied().chain(limit.map(|limit| ("le", limit)));
    let pairs: Vec<String> = all
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    match pairs.as_slice() {
        [] => String::new(),
        pairs => format!("{{{}}}", pairs.join(",")),
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_as_prometheus_wants_it() {
        let mut page = Page::default();
        page.single("a_total", "counter", "How many.", 3.0);
        page.begin("b", "gauge", "What.");
        page.value("b", &[("os", "a \"b\"\\c\nd")], 0.5);
        page.begin("c_seconds", "histogram", "How long.");
        let counts = DurationCounts {
            up_to: [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2],
            count: 3,
            seconds: 12.5,
        };
        page.histogram("c_seconds", &[("action", "start")], &counts);
        let text = page.into_text();
        assert!(
            text.starts_with(
                "# HELP a_total How many.\n# TYPE a_total counter\na_total 3\n# HELP b What.\n# TYPE b gauge\n\
                 b{os=\"a \\\"b\\\"\\\\c\\nd\"} 0.5\n"
            ),
            "{text}"
        );
        assert!(text.contains("c_seconds_bucket{action=\"start\",le=\"0.005\"} 0\n"));
        assert!(text.contains("c_seconds_bucket{action=\"start\",le=\"10\"} 2\n"));
        assert!(text.ends_with(
            "c_seconds_bucket{action=\"start\",le=\"+Inf\"} 3\nc_seconds_sum{action=\"start\"} 12.5\n\
             c_seconds_count{action=\"start\"} 3\n"
        ));
    }
}
