//! Messages of pull, load and import as people see them: one line per layer on a terminal, redrawn in
//! place; elsewhere the lines that say something new.

use std::io::{self, Write};

use corten_api::message::{ProgressDetail, ProgressMessage};
use corten_base::size;
use corten_client::Objects;

use crate::failure::Failure;

/// Widest progress bar, in characters.
const BAR: usize = 50;

/// Prints every message to `out`. An error message ends it.
pub(crate) async fn show(mut objects: Objects, out: &mut dyn Write, terminal: bool) -> Result<(), Failure> {
    let mut screen = Screen {
        lines: Vec::new(),
        terminal,
    };
    while let Some(text) = objects.next().await? {
        let message: ProgressMessage = serde_json::from_slice(&text)
            .map_err(|error| Failure::new(format!("cannot read the daemon's message: {error}")))?;
        if let Some(error) = &message.error_detail {
            return Err(Failure::new(error.message.clone()));
        }
        if !message.error.is_empty() {
            return Err(Failure::new(message.error));
        }
        screen.show(&message, out)?;
        out.flush()?;
    }
    Ok(())
}

struct Screen {
    /// Ids that have a line, from the top.
    lines: Vec<String>,
    terminal: bool,
}

impl Screen {
    fn show(&mut self, message: &ProgressMessage, out: &mut dyn Write) -> io::Result<()> {
        if !message.stream.is_empty() {
            return out.write_all(message.stream.as_bytes());
        }
        let bar = message.progress_detail.as_ref().and_then(bar);
        if !self.terminal {
            // A redirected output gets no line per received block.
            let news = bar.is_none() && !message.status.is_empty();
            return if news {
                writeln!(out, "{}", line(message, None))
            } else {
                Ok(())
            };
        }
        if message.id.is_empty() {
            self.lines.clear();
            return writeln!(out, "{}", line(message, bar.as_deref()));
        }
        let known = self.lines.iter().position(|id| *id == message.id);
        let up = match known {
            Some(index) => self.lines.len() - index,
            None => {
                self.lines.push(message.id.clone());
                writeln!(out)?;
                1
            }
        };
        write!(out, "\x1b[{up}A\r\x1b[2K{}\r\x1b[{up}B", line(message, bar.as_deref()))
    }
}

fn line(message: &ProgressMessage, bar: Option<&str>) -> String {
    let mut text = if message.id.is_empty() {
        String::new()
    } else {
        format!("{}: ", message.id)
    };
    text.push_str(&message.status);
    if let Some(bar) = bar {
        text.push(' ');
        text.push_str(bar);
    }
    text
}

/// `[=====>    ]  1.2MB/3MB`; `None` if nothing is known.
fn bar(detail: &ProgressDetail) -> Option<String> {
    let current = u64::try_from(detail.current).ok().filter(|current| *current > 0)?;
    let total = u64::try_from(detail.total).unwrap_or(0);
    if total == 0 {
        return Some(format!("{:>8}", size::human(current)));
    }
    let current_shown = current.min(total);
    let filled = usize::try_from(current_shown * BAR as u64 / total)
        .unwrap_or(BAR)
        .min(BAR);
    let arrow = if filled < BAR { ">" } else { "" };
    let blank = BAR.saturating_sub(filled + arrow.len());
    let amounts = format!("{}/{}", size::human(current), size::human(total));
    Some(format!(
        "[{}{arrow}{}]  {amounts}",
        "=".repeat(filled),
        " ".repeat(blank)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars() {
        let detail = |current, total| ProgressDetail {
            current,
            total,
            ..ProgressDetail::default()
        };
        assert_eq!(bar(&detail(0, 10)), None);
        assert_eq!(
            bar(&detail(5, 10)).unwrap(),
            format!("[{}>{}]  5B/10B", "=".repeat(25), " ".repeat(24))
        );
        assert_eq!(bar(&detail(10, 10)).unwrap(), format!("[{}]  10B/10B", "=".repeat(50)));
    }

    #[test]
    fn redirected_output_has_no_bars() {
        let mut screen = Screen {
            lines: Vec::new(),
            terminal: false,
        };
        let mut out = Vec::new();
        let mut message = ProgressMessage {
            id: "abc".to_owned(),
            ..ProgressMessage::status("Downloading")
        };
        message.progress_detail = Some(ProgressDetail {
            current: 1,
            total: 2,
            ..ProgressDetail::default()
        });
        screen.show(&message, &mut out).unwrap();
        message.progress_detail = None;
        message.status = "Pull complete".to_owned();
        screen.show(&message, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "abc: Pull complete\n");
    }
}
