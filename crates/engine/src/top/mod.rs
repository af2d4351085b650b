//! `top`: the processes of a container, in the formats of `ps`.
//!
//! Docker runs the host's `ps` and keeps the rows whose PID belongs to the container. Here `/proc` is read
//! by ourselves, so that no such program is needed; what clients see is the same, down to how rows are cut
//! into cells: at blanks, with what overhangs in the last one.

mod arguments;
mod column;
mod process;
mod table;

use std::sync::Arc;

use corten_api::container::ContainerTop;
use corten_base::Timestamp;
use corten_base::zone::Zone;
use corten_runtime::cgroup;

use crate::container::Container;
use crate::container::phase::Phase;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::event::Subject;

/// What `docker top` asks for when nothing is said.
const DEFAULT: &str = "-ef";

/// The processes of a running container, as `ps` with `arguments` shows them. Blocks.
pub(crate) fn top(core: &Core, container: &Arc<Container>, arguments: &str) -> Result<ContainerTop> {
    let id = &container.id;
    let view = container.look();
    match view.life.phase {
        Phase::Running(_) | Phase::Paused(_) => {}
        Phase::Restarting(_) => {
            return Err(Error::conflict(format!(
                "Container {id} is restarting, wait until the container is running"
            )));
        }
        Phase::Created(_) | Phase::Exited(_) | Phase::Removing(_) | Phase::Dead(_) => {
            return Err(Error::conflict(format!("container {id} is not running")));
        }
    }
    let arguments = if arguments.is_empty() { DEFAULT } else { arguments };
    let wanted = arguments::parse(arguments)?;
    let pids = match &view.run {
        Some(run) => cgroup::processes(&run.cgroup).map_err(|error| Error::caused("list the processes", error))?,
        None => Vec::new(),
    };
    let host = process::Host::read().map_err(|error| Error::caused("read /proc", error))?;
    let processes: Vec<process::Process> = pids
        .into_iter()
        .filter_map(|pid| process::read(pid, &wanted.columns))
        .filter(|process| wanted.chooses(process))
        .collect();
    let zone = Zone::local();
    let shown = table::table(&wanted, &processes, &host, &zone)?;
    core.events
        .publish(Subject::Container(container), "top", &[], Timestamp::now());
    Ok(shown)
}
