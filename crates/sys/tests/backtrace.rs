//! Errors without backtraces. The setting is the process's, so the test executes itself.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::process::Command;

const INSIDE: &str = "CORTEN_TEST_INSIDE";
const ASKED: [(&str, &str); 2] = [("RUST_BACKTRACE", "1"), ("RUST_LIB_BACKTRACE", "full")];

#[test]
fn errors_get_no_backtrace_and_the_environment_stays() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let own = std::env::current_exe().expect("the test's own path");
    for names in [&ASKED[..1], &ASKED[1..], &ASKED[..]] {
        let mut again = Command::new(&own);
        again
            .env(INSIDE, "1")
            .args(["--exact", "errors_get_no_backtrace_and_the_environment_stays"]);
        for (name, _) in ASKED {
            again.env_remove(name);
        }
        let output = again.envs(names.iter().copied()).output().expect("the test runs again");
        assert!(output.status.success(), "{names:?}: {output:?}");
    }
}

fn inside() {
    let before: Vec<_> = ASKED.map(|(name, _)| std::env::var_os(name)).into();
    corten_sys::entry::without_backtraces();
    assert_eq!(Backtrace::capture().status(), BacktraceStatus::Disabled);
    let after: Vec<_> = ASKED.map(|(name, _)| std::env::var_os(name)).into();
    assert_eq!(before, after);
}
