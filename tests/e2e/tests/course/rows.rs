//! A group of rows on one daemon.

use std::cell::RefCell;

use anyhow::{Result, ensure};
use corten_e2e::{Case, LIMIT, both};
use corten_testkit::wait::until_ok;

/// The rows that run on one daemon with one client, and what failed of them.
pub(crate) struct Rows<'a> {
    case: &'a Case,
    failed: RefCell<Vec<String>>,
}

impl Rows<'_> {
    /// Runs one row and removes every container after it; its failure is reported by [`group`].
    pub(crate) fn row(&self, ids: &str, body: impl FnOnce(&Case) -> Result<()>) {
        let verdict = body(self.case).and_then(|()| remove_all(self.case));
        if let Err(error) = verdict {
            self.failed.borrow_mut().push(format!("{ids}: {error:#}"));
            drop(remove_all(self.case));
        }
    }
}

/// Runs `body`'s rows with both clients on a fresh daemon that has these images, and fails with the list of
/// the rows that failed.
pub(crate) fn group(images: &[&str], body: impl Fn(&Rows<'_>)) -> Result<()> {
    both(images, |case| {
        let rows = Rows {
            case,
            failed: RefCell::default(),
        };
        body(&rows);
        let failed = rows.failed.into_inner();
        ensure!(
            failed.is_empty(),
            "{} rows failed:\n{}",
            failed.len(),
            failed.join("\n")
        );
        Ok(())
    })
}

/// The page at an address of the sandbox, waited for.
pub(crate) fn page(case: &Case, url: &str) -> Result<String> {
    until_ok(LIMIT, "the page", || {
        let fetched = case.script(&format!("curl -sSf --max-time 10 {url}"))?.success()?;
        Ok(fetched.text().to_owned())
    })
}

fn remove_all(case: &Case) -> Result<()> {
    let all = case.ok("ps -aq")?;
    if !all.is_empty() {
        case.ok(&format!("rm -fv {}", all.replace('\n', " ")))?;
    }
    Ok(())
}
