//! A test that cannot run here says so on standard error and passes; it never passes in silence.

/// Prints that `test` is skipped, and why.
pub fn skip(test: &str, why: &str) {
    eprintln!("skip: {test}: {why}");
    crate::record::skipped(why);
}

/// Whether this process may make namespaces, mounts and cgroups.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether `program` is in PATH.
#[must_use]
pub fn has_program(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}
