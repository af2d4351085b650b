//! Running a plugin: it takes this program's place, so that its signals and its exit code are its own.

use std::env;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::Plugin;
use crate::config::{Globals, context_name, default_context_address};
use crate::context::DEFAULT;
use crate::failure::Failure;
use crate::option::pair::reason;

/// Tells a plugin how its caller was called.
const ORIGINAL: &str = "DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND";

/// Runs it with `arguments`, all of this program's own. Returns only if it cannot be executed.
///
/// A plugin looks for the engine by Docker's rules, which do not know Corten's socket and variable: where
/// nothing else decides, it is told by `DOCKER_HOST`.
pub(crate) fn run(plugin: &Plugin, globals: &Globals, arguments: &[String]) -> Failure {
    let mut command = Command::new(&plugin.path);
    command
        .args(arguments)
        .env(ORIGINAL, env::args_os().next().unwrap_or_default());
    if globals.host.is_none() && globals.context.is_none() && context_name(globals) == DEFAULT {
        command.env("DOCKER_HOST", default_context_address(globals));
    }
    let error = command.exec();
    Failure::new(format!("fork/exec {}: {}", plugin.path.display(), reason(&error)))
}
