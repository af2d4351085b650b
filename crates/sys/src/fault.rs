//! The fault hook: lets a test kill this process at the N-th effect it performs.
//!
//! With `CORTEN_FAULT_FILE` naming a file that holds a number N, the N-th [`boundary`] passed since
//! that file appeared writes its name to `<file>.hit`, removes the file and ends the process with
//! SIGKILL. A program that starts while the file is there counts from its own first boundary.
//! Builds without `debug_assertions` contain none of it. Not a tracing facility: nothing is recorded
//! of the boundaries that are passed alive.

/// Marks a place between two effects, named `<verb>.<noun>` such as `start.veth`.
#[inline]
pub fn boundary(name: &str) {
    #[cfg(debug_assertions)]
    armed::pass(name);
    #[cfg(not(debug_assertions))]
    let _: &str = name;
}

#[cfg(debug_assertions)]
mod armed {
    use std::ffi::OsString;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::{Mutex, OnceLock, PoisonError};

    static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
    static PASSED: Mutex<u64> = Mutex::new(0);

    pub(super) fn pass(name: &str) {
        let file = FILE.get_or_init(|| std::env::var_os("CORTEN_FAULT_FILE").map(PathBuf::from));
        let Some(file) = file else { return };
        let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
        *passed = match limit(file) {
            Some(limit) if *passed + 1 >= limit => die(file, name),
            Some(_) => *passed + 1,
            None => 0,
        };
    }

    fn limit(file: &Path) -> Option<u64> {
        fs::read_to_string(file).ok()?.trim().parse().ok()
    }

    fn die(file: &Path, name: &str) -> ! {
        let mut hit = OsString::from(file);
        hit.push(".hit");
        // A test that cannot read what was hit fails by itself; dying matters more than reporting.
        drop(fs::write(hit, name));
        drop(fs::remove_file(file));
        let _killed = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::process::abort()
    }
}
