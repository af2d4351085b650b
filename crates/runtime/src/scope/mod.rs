//! Scopes of systemd (the control group driver `systemd`): a container's groups as a unit that `systemctl` shows,
//! limits and stops, and that systemd does not touch when it loads its configuration again.
//!
//! ```text
//! <slice>/<unit>       the group, made by systemd with Delegate=yes; the limits are written into it as well
//! ```
//! A scope begins with a process and ends with its last one, by itself: nothing of it is left when everybody who
//! knows of it was killed. Calls go over D-Bus to systemd's own socket ([`bus`]), from whoever executes the plan.

mod bus;
mod message;
mod placeholder;

use std::io;
use std::path::{Path, PathBuf};

use bus::Bus;
use message::Writer;
use placeholder::Placeholder;

use crate::plan::{Property, PropertyValue, Scope};

/// Present where systemd is the first process (sd_booted(3)).
const BOOTED: &str = "run/systemd/system";

/// The unit is there: an earlier one of the same name has not been cleared away.
const EXISTS: &str = "org.freedesktop.systemd1.UnitExists";
/// The unit is not there: it has ended and was forgotten.
const NO_SUCH: &str = "org.freedesktop.systemd1.NoSuchUnit";

/// A scope was not made, changed or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ScopeError {
    /// Nobody listens.
    #[error("cannot connect to systemd at {path}")]
    Connect {
        /// Its socket.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// We are not who may ask.
    #[error("systemd does not let this user in: {0}")]
    Rejected(String),
    /// The connection broke, or no answer came in time.
    #[error("no answer from systemd")]
    Lost(#[from] io::Error),
    /// The answer makes no sense.
    #[error(transparent)]
    Malformed(#[from] message::Malformed),
    /// It says no.
    #[error("systemd refuses: {text} ({name})")]
    Refused {
        /// The error's name.
        name: String,
        /// In words.
        text: String,
    },
    /// The job did not end well.
    #[error("unable to start unit {unit:?}: job {result}")]
    Job {
        /// The unit.
        unit: String,
        /// `failed`, `canceled`, `timeout`.
        result: String,
    },
}

impl ScopeError {
    fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { name, .. } if name == wanted)
    }
}

impl From<ScopeError> for io::Error {
    fn from(error: ScopeError) -> Self {
        Self::other(error)
    }
}

/// Whether systemd is there to be asked for scopes.
#[must_use]
pub fn is_available() -> bool {
    is_available_below(Path::new("/"))
}

fn is_available_below(root: &Path) -> bool {
    root.join(BOOTED).is_dir() && (root.join(bus::PRIVATE).exists() || root.join(bus::BUS).exists())
}

/// A scope that was started; it ends with this unless a process was put into it meanwhile.
#[derive(Debug)]
pub(crate) struct Held {
    _placeholder: Placeholder,
}

/// Starts the scope; its groups exist then, with their limits.
pub(crate) fn start(scope: &Scope) -> Result<Held, ScopeError> {
    start_below(Path::new("/"), scope)
}

fn start_below(root: &Path, scope: &Scope) -> Result<Held, ScopeError> {
    let mut bus = Bus::connect(root)?;
    let placeholder = Placeholder::new()?;
    let result = match bus.run_job("StartTransientUnit", TRANSIENT, transient(scope, placeholder.pid)) {
        Err(error) if error.is(EXISTS) => {
            // What is left of this container's last run, which has ended.
            clear(&mut bus, &scope.unit)?;
            bus.run_job("StartTransientUnit", TRANSIENT, transient(scope, placeholder.pid))
        }
        result => result,
    }?;
    match result.as_str() {
        "done" => Ok(Held {
            _placeholder: placeholder,
        }),
        _ => Err(ScopeError::Job {
            unit: scope.unit.clone(),
            result,
        }),
    }
}

/// Stops the unit, if it is there, and lets systemd forget how it ended.
pub(crate) fn stop(scope: &Scope) -> Result<(), ScopeError> {
    clear(&mut Bus::connect(Path::new("/"))?, &scope.unit)
}

fn clear(bus: &mut Bus, unit: &str) -> Result<(), ScopeError> {
    let mut body = Writer::default();
    body.text(unit);
    body.text("replace");
    match bus.run_job("StopUnit", "ss", body) {
        Err(error) if error.is(NO_SUCH) => return Ok(()),
        stopped => stopped.map(drop)?,
    }
    let mut body = Writer::default();
    body.text(unit);
    match bus.call("ResetFailedUnit", "s", body) {
        Err(error) if error.is(NO_SUCH) => Ok(()),
        reset => reset.map(drop),
    }
}

/// Gives a unit that runs other limits, until it ends.
pub(crate) fn set(scope: &Scope, properties: &[Property]) -> Result<(), ScopeError> {
    if properties.is_empty() {
        return Ok(());
    }
    let mut body = Writer::default();
    body.text(&scope.unit);
    body.boolean(true);
    body.properties(properties);
    let mut bus = Bus::connect(Path::new("/"))?;
    bus.call("SetUnitProperties", "sba(sv)", body).map(drop)
}

/// `StartTransientUnit`'s arguments: name, mode, properties, further units.
const TRANSIENT: &str = "ssa(sv)a(sa(sv))";

fn transient(scope: &Scope, pid: u32) -> Writer {
    let mut properties = vec![
        text("Description", &scope.description),
        text("Slice", &scope.slice),
        // Gone with its last process, however that ended.
        text("CollectMode", "inactive-or-failed"),
        property("Delegate", PropertyValue::Bool(true)),
        property("DefaultDependencies", PropertyValue::Bool(false)),
        property("PIDs", PropertyValue::Processes(vec![pid])),
    ];
    properties.extend(scope.properties.iter().cloned());
    let mut body = Writer::default();
    body.text(&scope.unit);
    body.text("replace");
    body.properties(&properties);
    body.array(8, |_none| {});
    body
}

fn property(name: &str, value: PropertyValue) -> Property {
    Property {
        name: name.to_owned(),
        value,
    }
}

fn text(name: &str, value: &str) -> Property {
    property(name, PropertyValue::Text(value.to_owned()))
}
