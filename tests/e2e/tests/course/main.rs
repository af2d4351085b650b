//! Every command that the course documents show, by the number of its row: docs/compat/course.md lists the
//! rows, the test of each, and what the others wait for.
//!
//! The rows of one group share a daemon and its images; a row that fails does not stop the next.

mod commit;
mod exec_attach_logs;
mod images;
mod inspect_stats;
mod install_info;
mod isolation;
mod isolation_rights;
mod isolation_terminal;
mod isolation_users;
mod listed;
mod network;
mod network_sites;
mod packages;
mod resources;
mod rows;
mod run;
mod run_images;
mod run_terminal;
mod search;
mod volumes;
