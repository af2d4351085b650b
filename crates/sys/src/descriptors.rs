//! How many descriptors this process may have open. A daemon with thousands of clients raises its own limit;
//! the programs it starts get the limit that it was given itself, because containers inherit it.

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

/// Gives a child the limit that this process had before [`raise`].
///
/// # Errors
/// The child is gone.
pub fn lower(child: Pid) -> std::io::Result<()> {
    if let Some(given) = GIVEN.get() {
        prlimit(Some(child), Resource::Nofile, *given)?;
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
        lower(pid).unwrap();
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        assert_eq!(line.split_whitespace().nth(3), Some("300"), "{line}");
    }
}
