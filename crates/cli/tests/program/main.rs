//! The program `corten` as it is built, against a scripted engine and against none.

mod commands;
mod completion;
mod contexts;
mod docker;
mod formats;
mod help;
mod language;
mod plugins;
mod registries;
mod requests;
mod run;
mod scripted;
mod shells;
mod terminal;
