//! One check: an exec session whose output is read here.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use corten_api::container::HealthcheckResult;
use corten_api::exec::ExecConfig;
use corten_base::Timestamp;
use corten_shim::protocol::{Request, Target};
use tokio::io::AsyncReadExt as _;

use super::state::Settings;
use crate::container::{Container, phase};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::exec;
use crate::request::ExecStartOptions;

/// Bytes of output that are kept (observed: dockerd 28.5).
const OUTPUT_LIMIT: usize = 4096;
/// The exit code of a check that could not be made, or took too long.
const FAILED: i64 = -1;

/// Executes the check and tells how it went; never fails itself.
pub(super) async fn probe(core: &Arc<Core>, container: &Arc<Container>, settings: &Settings) -> HealthcheckResult {
    let start = Timestamp::now();
    let (exit_code, output) = match execute(core, container, settings).await {
        Ok(outcome) => outcome,
        Err(error) => (FAILED, error.message),
    };
    core.tally.health_check(exit_code != 0);
    HealthcheckResult {
        start,
        end: Timestamp::now(),
        exit_code,
        output,
    }
}

async fn execute(core: &Arc<Core>, container: &Arc<Container>, settings: &Settings) -> Result<(i64, String)> {
    let begun = Instant::now();
    let config = ExecConfig {
        cmd: settings.command.clone().into(),
        attach_stdout: true,
        attach_stderr: true,
        ..ExecConfig::default()
    };
    let session = exec::make(core, container, config, exec::Purpose::HealthCheck)?;
    let options = ExecStartOptions {
        // Raw: both streams as they come.
        tty: true,
        ..ExecStartOptions::default()
    };
    let ticket = exec::prepare(core, session.id.as_str(), options)?;
    let failed = |error: std::io::Error| Error::caused("make a connection for a health check", error);
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    ours.set_nonblocking(true).map_err(failed)?;
    theirs.set_nonblocking(true).map_err(failed)?;
    let ours = tokio::net::UnixStream::from_std(ours).map_err(failed)?;
    ticket.connect(OwnedFd::from(theirs), Vec::new()).await?;
    core.tally.health_started(begun.elapsed());
    let mut output = Output::default();
    match tokio::time::timeout(settings.timeout, output.read(ours)).await {
        Ok(()) => Ok((i64::from(session.ended().await?), output.text())),
        Err(_late) => {
            let target = Target::Exec(session.id.clone());
            let signal = phase::SIGKILL;
            if let Some(shim) = container.shim() {
                // It may end this moment.
                drop(shim.ask(Request::Signal { target, signal }, Vec::new()).await);
            }
            let text = format!("Health check exceeded timeout ({})", seconds(settings));
            let text = match output.text() {
                output if output.is_empty() => text,
                output => format!("{text}: {output}"),
            };
            Ok((FAILED, text))
        }
    }
}

/// The beginning of what a check writes.
#[derive(Default)]
struct Output {
    kept: Vec<u8>,
    cut: bool,
}

impl Output {
    /// Reads to the end.
    async fn read(&mut self, mut connection: tokio::net::UnixStream) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = connection.read(&mut buffer).await {
            let room = OUTPUT_LIMIT - self.kept.len();
            let piece = buffer.get(..count.min(room)).unwrap_or_default();
            self.kept.extend_from_slice(piece);
            self.cut |= count > room;
        }
    }

    fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.kept).into_owned();
        if self.cut {
            text.push_str("...");
        }
        text
    }
}

/// A time span as Go writes it, for spans of seconds and their fractions.
fn seconds(settings: &Settings) -> String {
    let nanos = settings.timeout.as_nanos();
    let (whole, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let fraction = format!("{rest:09}");
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, 0) if rest > 0 => format!("{}ms", settings.timeout.as_secs_f64() * 1000.0),
        (0, 0, seconds) => format!("{seconds}{point}{fraction}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}{point}{fraction}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}{point}{fraction}s"),
    }
}
