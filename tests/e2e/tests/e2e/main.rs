//! The programs as their users see them: every case starts a daemon in fresh namespaces, drives it
//! with `docker` and `corten`, and ends with a census of what was left behind.

mod attach;
mod bad_input;
mod change;
mod churn;
mod creation;
mod daemons;
mod events;
mod exec;
mod exit_codes;
mod formats;
mod health;
mod hostile;
mod images;
mod kill_change;
mod kill_daemon;
mod kill_networks;
mod kill_shim;
mod lifecycle;
mod list;
mod logs;
mod networks;
mod options;
mod pause;
mod ports;
mod prune;
mod reach;
mod resources;
mod restart;
mod security;
mod stats;
mod system;
mod terminal;
mod top;
mod user_networks;
mod volumes;
