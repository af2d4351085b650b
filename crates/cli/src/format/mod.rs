//! `--format`: what is printed for each object, by Go's templates or as a table of columns.

mod list;
mod plain;
mod template;
mod view;

pub(crate) use list::{Column, Listing};
pub(crate) use template::{Template, TemplateError};
pub(crate) use view::View;
