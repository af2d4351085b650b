//! What people read: sizes, elapsed time, tables, shortened text.

pub(crate) mod elapsed;
pub(crate) mod shorten;
pub(crate) mod size;
pub(crate) mod table;
