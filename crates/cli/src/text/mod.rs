//! What people read: sizes, elapsed time, tables, shortened text.

pub(crate) mod align;
pub(crate) mod elapsed;
pub(crate) mod natural;
pub(crate) mod ports;
pub(crate) mod resembles;
pub(crate) mod shorten;
pub(crate) mod table;
pub(crate) mod width;
