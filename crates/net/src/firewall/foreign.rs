//! Other people's firewalls: base chains that drop what we accept. Only looked at, never changed.
//!
//! nftables asks every base chain of a hook, whoever's; one drop is final. What is looked for: base chains
//! on forward with policy drop in other tables (ufw, Docker and Podman through iptables-nft), firewalld's
//! table, and the filter table of legacy iptables, whose policy cannot be seen here.

use std::fmt;
use std::fs;

use corten_sys::nftables::decode::Policy;
use corten_sys::nftables::{BaseChain, Netfilter};

use crate::forwarding::GUARD_TABLE;

/// Hook number of forward in the families inet, ip and ip6.
const FORWARD: u32 = 2;
const FAMILIES: [(u8, &str); 3] = [(1, "inet"), (2, "ip"), (10, "ip6")];

/// A setting outside our table that keeps packets from containers, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What it is: `chain ip filter FORWARD`.
    pub what: String,
    /// What it does and what to do, a sentence each.
    pub advice: String,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.advice)
    }
}

/// The obstacles of the calling thread's network namespace; none where the kernel cannot be asked.
#[must_use]
pub fn find(kernel: &mut Netfilter, table: &str, bridge: &str) -> Vec<Obstacle> {
    let chains = kernel.base_chains().unwrap_or_default();
    let legacy = fs::read_to_string("/proc/thread-self/net/ip_tables_names").unwrap_or_default();
    judge(&chains, &legacy, table, bridge)
}

/// What stands in the way, given all base chains and the names of legacy iptables' tables. Pure.
#[must_use]
pub fn judge(chains: &[BaseChain], legacy_tables: &str, table: &str, bridge: &str) -> Vec<Obstacle> {
    let ours = |chain: &BaseChain| chain.table == table || chain.table == GUARD_TABLE;
    let mut obstacles: Vec<_> = chains
        .iter()
        .filter(|chain| chain.hook == FORWARD && chain.policy == Policy::Drop && !ours(chain))
        .filter_map(|chain| dropping(chain, bridge))
        .collect();
    if chains.iter().any(|chain| chain.table == "firewalld") {
        obstacles.push(firewalld(bridge));
    }
    if legacy_tables.lines().any(|table| table == "filter") {
        obstacles.push(legacy(bridge));
    }
    obstacles
}

fn dropping(chain: &BaseChain, bridge: &str) -> Option<Obstacle> {
    let family = FAMILIES.iter().find(|(number, _)| *number == chain.family)?.1;
    let what = format!("chain {family} {} {}", chain.table, chain.name);
    let advice = if chain.table == "filter" && family != "inet" {
        let tool = if family == "ip" { "iptables" } else { "ip6tables" };
        format!(
            "its policy drops forwarded packets, containers' too. Accept them: \
             `{tool} -I FORWARD -i {bridge} -j ACCEPT` and `{tool} -I FORWARD -o {bridge} -j ACCEPT` \
             (beside Docker use the chain DOCKER-USER, with ufw `ufw route allow in on {bridge}` and `... out on {bridge}`)"
        )
    } else {
        format!(
            "its policy drops forwarded packets, containers' too. Accept them: \
             `nft insert rule {family} {} {} iifname {bridge} accept` and the same with oifname",
            chain.table, chain.name
        )
    };
    Some(Obstacle { what, advice })
}

fn firewalld(bridge: &str) -> Obstacle {
    let advice = format!(
        "it may reject what is forwarded to containers. Trust the bridge: \
         `firewall-cmd --permanent --zone=trusted --add-interface={bridge} && firewall-cmd --reload`"
    );
    Obstacle {
        what: "firewalld".to_owned(),
        advice,
    }
}

fn legacy(bridge: &str) -> Obstacle {
    let advice = format!(
        "its policy cannot be seen from here. If `iptables-legacy -S FORWARD` says DROP: \
         `iptables-legacy -I FORWARD -i {bridge} -j ACCEPT` and `iptables-legacy -I FORWARD -o {bridge} -j ACCEPT`"
    );
    Obstacle {
        what: "legacy iptables".to_owned(),
        advice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(family: u8, table: &str, hook: u32, policy: Policy) -> BaseChain {
        BaseChain {
            family,
            table: table.to_owned(),
            name: "FORWARD".to_owned(),
            hook,
            policy,
        }
    }

    fn found(chains: &[BaseChain], legacy: &str) -> Vec<String> {
        judge(chains, legacy, "corten", "corten0")
            .into_iter()
            .map(|obstacle| obstacle.what)
            .collect()
    }

    #[test]
    fn only_what_drops_forwarded_packets() {
        assert_eq!(
            found(&[chain(2, "filter", FORWARD, Policy::Drop)], ""),
            ["chain ip filter FORWARD"]
        );
        assert_eq!(
            found(&[chain(1, "mine", FORWARD, Policy::Drop)], "nat\nfilter\n"),
            ["chain inet mine FORWARD", "legacy iptables"]
        );
        assert_eq!(found(&[chain(1, "firewalld", 0, Policy::Accept)], ""), ["firewalld"]);
        for harmless in [
            chain(2, "filter", FORWARD, Policy::Accept),
            chain(2, "filter", 1, Policy::Drop),
            chain(7, "filter", FORWARD, Policy::Drop),
            chain(1, "corten", FORWARD, Policy::Drop),
            chain(1, GUARD_TABLE, FORWARD, Policy::Drop),
        ] {
            assert!(
                found(std::slice::from_ref(&harmless), "nat\n").is_empty(),
                "{harmless:?}"
            );
        }
    }

    #[test]
    fn advice_names_the_bridge() {
        let obstacles = judge(&[chain(10, "filter", FORWARD, Policy::Drop)], "", "corten", "corten0");
        assert!(
            obstacles[0]
                .advice
                .contains("`ip6tables -I FORWARD -i corten0 -j ACCEPT`"),
            "{}",
            obstacles[0]
        );
    }
}
