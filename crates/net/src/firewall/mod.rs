//! The daemon's nftables table.

pub mod foreign;
