//! How questions for port 53 of the server's address reach the ports it has, in the container's namespace.
//!
//! Kernel: nftables table `inet corten_dns` of that namespace with four rules on output, before connections
//! are tracked, that rewrite ports of single packets, there and back. So a server of the container's own can
//! have port 53 on every address, and no connection is remembered.

use std::io;
use std::net::Ipv4Addr;

use corten_sys::nftables::expression::{Header, Meta, Register};
use corten_sys::nftables::{Batch, Chain, Expression, Hook, HookPoint, Netfilter, Verdict};

const TABLE: &str = "corten_dns";
const DNS: u16 = 53;
/// Before connections are tracked.
const PRIORITY_RAW: i32 = -300;

const IPV4: u8 = 2;
const TCP: u8 = 6;
const UDP: u8 = 17;
const SOURCE: u32 = 12;
const DESTINATION: u32 = 16;
const SOURCE_PORT: u32 = 0;
const DESTINATION_PORT: u32 = 2;
const R: Register = Register(0);

/// Where the server listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) udp: u16,
    pub(super) tcp: u16,
}

/// Puts the rules into the calling thread's namespace, in place of former ones.
pub(super) fn install(server: Ipv4Addr, ports: Ports) -> io::Result<()> {
    let chain = chain(server, ports);
    let mut batch = Batch::new(TABLE);
    batch
        .add_table()
        .delete_table()
        .add_table()
        .add_chain(&chain)
        .add_rules(&chain);
    Netfilter::open()?.commit(batch).map_err(io::Error::from)
}

fn chain(server: Ipv4Addr, ports: Ports) -> Chain {
    let mut rules = Vec::new();
    for (protocol, port) in [(UDP, ports.udp), (TCP, ports.tcp)] {
        rules.push(rewrite(protocol, (DESTINATION, server), DESTINATION_PORT, (DNS, port)));
        rules.push(rewrite(protocol, (SOURCE, server), SOURCE_PORT, (port, DNS)));
    }
    Chain {
        name: "output".to_owned(),
        hook: Some(Hook {
            kind: "filter",
            point: HookPoint::Output,
            priority: PRIORITY_RAW,
        }),
        rules,
    }
}

/// One port for another in packets of this protocol with the server's address there.
fn rewrite(protocol: u8, (at, server): (u32, Ipv4Addr), port_at: u32, (from, to): (u16, u16)) -> Vec<Expression> {
    let load = |header, offset, length| Expression::Payload {
        header,
        offset,
        length,
        to: R,
    };
    vec![
        Expression::Meta(Meta::Family, R),
        Expression::Equal(R, vec![IPV4]),
        load(Header::Network, at, 4),
        Expression::Equal(R, server.octets().to_vec()),
        Expression::Meta(Meta::Protocol, R),
        Expression::Equal(R, vec![protocol]),
        load(Header::Transport, port_at, 2),
        Expression::Equal(R, from.to_be_bytes().to_vec()),
        Expression::Untrack,
        Expression::Value(R, to.to_be_bytes().to_vec()),
        Expression::RewritePort {
            offset: port_at,
            checksum_offset: if protocol == TCP { 16 } else { 6 },
            from: R,
        },
        Expression::End(Verdict::Accept),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_each_protocol_has_its_rule() {
        let chain = chain(Ipv4Addr::LOCALHOST, Ports { udp: 1000, tcp: 2000 });
        let told: Vec<Vec<u8>> = chain
            .rules
            .iter()
            .map(|rule| {
                let value = |part: &Expression| match part {
                    Expression::Value(_, value) => Some(value.clone()),
                    _ => None,
                };
                rule.iter().find_map(value).unwrap()
            })
            .collect();
        assert_eq!(
            told,
            [1000, DNS, 2000, DNS].map(|port: u16| port.to_be_bytes().to_vec())
        );
    }
}
