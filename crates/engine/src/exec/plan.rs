//! The compiled process of a session.

use std::borrow::Cow;

use corten_runtime::compile::PlanError;
use corten_runtime::plan::ExecPlan;

use super::registry::Session;
use crate::container::run::RunRecord;
use crate::container::{spec, start};
use crate::core::Core;
use crate::error::{Error, Result};

/// Compiles the session's process for the container's present run.
pub(super) fn compile(core: &Core, session: &Session) -> Result<ExecPlan> {
    let container = &session.container;
    let plan = RunRecord::read_plan(&core.run_directory(&container.id));
    let plan = plan.map_err(|error| Error::caused("read the plan", error))?;
    let plan = plan.ok_or_else(|| super::not_running(container))?;
    let config = &session.config;
    let request = spec::ExecRequest {
        args: &config.cmd,
        env: &config.env,
        user: &config.user,
        working_dir: &config.working_dir,
        tty: config.tty,
        privileged: config.privileged,
    };
    let effective = start::named_as_joined(core, container).unwrap_or(Cow::Borrowed(&container.effective));
    let view = container.look();
    let environment = view.run.as_ref().map_or(&[][..], |run| &run.link_environment);
    let effective = start::with_environment(effective, environment);
    let plan = spec::exec_plan(&effective, &core.config, &core.host, &plan, &request);
    plan.map_err(|error| match error {
        PlanError::Invalid(message) => Error::invalid(message),
        other => Error::internal(other.to_string()),
    })
}
