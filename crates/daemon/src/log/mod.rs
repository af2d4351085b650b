//! What the daemon says on its standard error: a line per event, as text or as JSON, in the form of dockerd's
//! own log. The level can change while it runs.

mod line;

use std::fmt;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use corten_base::Timestamp;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

pub use line::Format;
use line::Line;

/// Index of the level in [`LEVELS`].
static LEVEL: AtomicUsize = AtomicUsize::new(3);

const LEVELS: [LevelFilter; 6] = [
    LevelFilter::OFF,
    LevelFilter::ERROR,
    LevelFilter::WARN,
    LevelFilter::INFO,
    LevelFilter::DEBUG,
    LevelFilter::TRACE,
];

/// Begins to log. To be called once.
///
/// # Errors
/// Something logs already.
pub fn start(format: Format, level: LevelFilter) -> Result<(), tracing::subscriber::SetGlobalDefaultError> {
    set_level(level);
    tracing::subscriber::set_global_default(Log { format })
}

/// Says more or less from now on.
pub fn set_level(level: LevelFilter) {
    let index = LEVELS.iter().position(|known| *known == level).unwrap_or(3);
    LEVEL.store(index, Ordering::Relaxed);
    tracing::callsite::rebuild_interest_cache();
}

fn level() -> LevelFilter {
    LEVELS
        .get(LEVEL.load(Ordering::Relaxed))
        .copied()
        .unwrap_or(LevelFilter::INFO)
}

/// Writes events. Spans are not used.
struct Log {
    format: Format,
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= level()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(level())
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::new(Timestamp::now(), *event.metadata().level());
        event.record(&mut Fields(&mut line));
        // A log that cannot be written is nobody's reason to stop.
        let _unwritten = std::io::stderr().lock().write_all(line.text(self.format).as_bytes());
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Fields<'a>(&'a mut Line);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.put(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.put(field.name(), value.to_owned());
    }
}
