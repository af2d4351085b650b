//! `--format`: what is printed for each object.
//!
//! Understood are `json`, `table`, and templates made of text with `{{.Path.To.Field}}` and
//! `{{json .Path}}`. Other template actions are refused by name.

mod list;
mod template;

pub(crate) use list::{Column, Listing};
pub(crate) use template::{Template, TemplateError};
