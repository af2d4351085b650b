//! `/etc/resolv.conf`.

/// What the user said about name resolution; what is empty comes from the host's file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Overrides<'a> {
    /// `--dns`.
    pub nameservers: &'a [String],
    /// `--dns-search`; a single `.` means none at all.
    pub search: &'a [String],
    /// `--dns-option`.
    pub options: &'a [String],
}

/// The content for a container on the default bridge, out of the host's file: name servers on
/// loopback addresses are left out, and Google's put in when none is left. `ipv6`: the container has
/// an IPv6 address.
#[must_use]
pub fn render(_host_file: &str, _overrides: &Overrides<'_>, _ipv6: Ipv6) -> String {
    unimplemented!()
}

/// The content for a container on the host's network: the host's file unless something is overridden.
#[must_use]
pub fn render_host_network(_host_file: &str, _overrides: &Overrides<'_>) -> String {
    unimplemented!()
}

/// Whether a container can reach IPv6 name servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ipv6 {
    /// It has an IPv6 address.
    Enabled,
    /// It has none.
    Disabled,
}
