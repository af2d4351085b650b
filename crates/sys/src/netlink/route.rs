//! Routes.

use std::net::IpAddr;

use super::message::{self, CREATE, Messages, REPLACE, REQUEST};
use super::{Error, Route};

const TABLE_MAIN: u8 = 254;
const PROTOCOL_BOOT: u8 = 3;
const TYPE_UNICAST: u8 = 1;

/// A route of the main table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteEntry {
    /// Where to: network and prefix length in bits; `None`: the default route.
    pub destination: Option<(IpAddr, u8)>,
    /// Over which gateway, if any.
    pub gateway: Option<IpAddr>,
    /// Over which link, by number; zero if none.
    pub link: u32,
}

impl Route {
    /// Adds or replaces the default route of the gateway's family.
    ///
    /// # Errors
    /// `ENETUNREACH` if the gateway is not on the link.
    pub fn set_default_route(&mut self, gateway: IpAddr, link: u32) -> Result<(), Error> {
        let mut messages = Messages::new();
        push_default(&mut messages, gateway, link);
        self.socket.execute(messages)
    }

    /// All unicast routes of the main table.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn routes(&mut self) -> Result<Vec<RouteEntry>, Error> {
        let mut request = Messages::new();
        request.begin(libc::RTM_GETROUTE, REQUEST).put(&[0; 12]);
        Ok(self
            .socket
            .dump(&request)?
            .iter()
            .filter_map(|(_, body)| decode(body))
            .collect())
    }
}

/// Appends the message that sets a default route.
pub(super) fn push_default(messages: &mut Messages, gateway: IpAddr, link: u32) {
    let family = if gateway.is_ipv4() {
        libc::AF_INET
    } else {
        libc::AF_INET6
    };
    let mut header = [0; 12];
    header[0] = u8::try_from(family).expect("families are small");
    header[4] = TABLE_MAIN;
    header[5] = PROTOCOL_BOOT;
    header[7] = TYPE_UNICAST;
    messages
        .begin(libc::RTM_NEWROUTE, REQUEST | CREATE | REPLACE)
        .put(&header);
    messages.address(libc::RTA_GATEWAY, gateway).number(libc::RTA_OIF, link);
}

fn decode(body: &[u8]) -> Option<RouteEntry> {
    let attributes = body.get(12..)?;
    if body[4] != TABLE_MAIN || body[7] != TYPE_UNICAST {
        return None;
    }
    let value = |kind| message::find(attributes, kind);
    let destination = match value(libc::RTA_DST) {
        Some(address) => Some((message::address(address)?, body[1])),
        None => None,
    };
    Some(RouteEntry {
        destination,
        gateway: value(libc::RTA_GATEWAY).and_then(message::address),
        link: value(libc::RTA_OIF).map_or(0, message::number),
    })
}
