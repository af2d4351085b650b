//! The classes of escapes that advisories of runc, containerd and moby describe, each tried: docs/security.md names
//! the advisories with these tests, and a test here checks that list.

mod files;
mod kernel;
mod listed;
mod reach;
mod rights;
