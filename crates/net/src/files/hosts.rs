//! `/etc/hosts`.

use std::net::IpAddr;

/// What `/etc/hosts` says about its container.
#[derive(Debug, Clone, Copy)]
pub struct Hosts<'a> {
    /// The container's own addresses, IPv4 first; none without a network.
    pub addresses: &'a [IpAddr],
    /// Its host name.
    pub hostname: &'a str,
    /// Its domain name, empty if none.
    pub domain: &'a str,
    /// `--add-host` entries: name and address.
    pub extra: &'a [(String, IpAddr)],
}

/// The file's content.
#[must_use]
pub fn render(_hosts: &Hosts<'_>) -> String {
    unimplemented!()
}

/// The content for a container on the host's network: the host's own file with `--add-host` entries behind.
#[must_use]
pub fn render_host_network(_host_file: &str, _extra: &[(String, IpAddr)]) -> String {
    unimplemented!()
}
