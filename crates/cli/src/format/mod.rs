//! `--format`: what is printed for each object.
//!
//! Understood are `json`, `table`, and templates made of text with `{{.Path.To.Field}}` and
//! `{{json .Path}}`. Other template actions are refused by name.

mod row;
mod template;

pub(crate) use row::{Layout, Row, print_rows};
pub(crate) use template::{Template, TemplateError};
