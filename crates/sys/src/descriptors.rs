//! How many descriptors this process may have open. A daemon with thousands of clients, and a keeper of thousands of
//! ports, raise their own limit; the programs they start get the limit that they were given themselves, because
//! containers inherit it.

use std::sync::OnceLock;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

/// The limit before it was raised.
static GIVEN: OnceLock<Rlimit> = OnceLock::new();

/// Raises the soft limit to the hard one. To be called once.
///
/// # Errors
/// The kernel refuses.
pub fn raise() -> std::io::Result<()> {
    let given = getrlimit(Resource::Nofile);
    if given.current != given.maximum {
        let raised = Rlimit {
            current: given.maximum,
            ..given
        };
        setrlimit(Resource::Nofile, raised)?;
        GIVEN.get_or_init(|| given);
    }
    Ok(())
}

/// The soft limit before [`raise`], if that changed it: what [`recall`] takes in a program that is executed in this
/// one's place.
#[must_use]
pub fn given() -> Option<u64> {
    GIVEN.get().and_then(|given| given.current)
}

/// As [`raise`], in a program that took the place of one that had raised the limit from `given`, if it had.
///
/// # Errors
/// The kernel refuses.
pub fn recall(given: Option<u64>) -> std::io::Result<()> {
    if given.is_some() {
        let now = getrlimit(Resource::Nofile);
        GIVEN.get_or_init(|| Rlimit { current: given, ..now });
    }
    raise()
}

/// Gives a child the limit that this process had before [`raise`]; `None`: takes it back in a child itself.
///
/// # Errors
/// The child is gone.
pub fn lower(child: Option<Pid>) -> std::io::Result<()> {
    if let Some(given) = GIVEN.get() {
        prlimit(child, Resource::Nofile, *given)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_gets_what_was_given() {
        let hard = getrlimit(Resource::Nofile).maximum;
        let soft = |limit| Rlimit {
            current: limit,
            maximum: hard,
        };
        setrlimit(Resource::Nofile, soft(Some(300))).unwrap();
        raise().unwrap();
        assert_eq!(getrlimit(Resource::Nofile).current, hard);
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = Pid::from_child(&child);
        lower(Some(pid)).unwrap();
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        assert_eq!(given(), Some(300));
        recall(given()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        assert_eq!(line.split_whitespace().nth(3), Some("300"), "{line}");
    }
}
