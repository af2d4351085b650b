//! The program `corten` as it is built, against a scripted engine and against none.

mod commands;
mod docker;
mod run;
mod scripted;
mod terminal;
