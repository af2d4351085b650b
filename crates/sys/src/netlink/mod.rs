//! Netlink: links, addresses, routes, neighbours (NETLINK_ROUTE), and the message format under them.

pub mod inside;
