//! What others on the host have left or set up: lingering connections, chains that drop.

use corten_net::{BridgeNetworkConfig, Protocol};

use crate::world::{Container, HOST, OUTSIDE, host_asks, network, on_a_host, outside};

#[test]
fn lingering_connections_do_not_keep_a_port() {
    on_a_host(|| {
        let listener = std::net::TcpListener::bind("0.0.0.0:8080").expect("a port");
        let client = std::net::TcpStream::connect("127.0.0.1:8080").expect("connected");
        let (server, _) = listener.accept().expect("accepted");
        drop(server); // closes first, and so lingers on the port
        drop((client, listener));
        let network = network(BridgeNetworkConfig::default());
        let container = Container::start(&network, 1, &[(None, 8080, 80)]);
        container.machine.serve(80);
        assert!(host_asks(Protocol::Tcp, "127.0.0.1:8080").is_some());
    });
}

#[test]
fn a_foreign_chain_that_drops_is_told() {
    on_a_host(|| {
        let rules =
            "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }";
        match std::process::Command::new("nft").arg(rules).status() {
            Ok(status) if status.success() => {}
            result => return println!("skip: no nft to play somebody else: {result:?}"),
        }
        let network = network(BridgeNetworkConfig::default());
        let found: Vec<_> = network.obstacles().iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("chain ip filter FORWARD: its policy drops forwarded packets"),
            "{found:?}"
        );
    });
}

/// What Docker beside us makes where it has turned forwarding on, and what the advice does about it.
#[test]
fn beside_a_docker_that_drops_the_advice_helps() {
    on_a_host(|| {
        let outside = outside();
        outside.serve(7000);
        let rules = "add table ip filter; add chain ip filter DOCKER-USER; \
                     add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }; \
                     add rule ip filter FORWARD jump DOCKER-USER";
        if !nft(rules) {
            return println!("skip: no nft to play Docker");
        }
        let network = network(BridgeNetworkConfig::default());
        let container = Container::start(&network, 1, &[(None, 8080, 80)]);
        container.machine.serve(80);
        let (out, inward) = (format!("{OUTSIDE}:7000"), format!("{HOST}:8080"));
        assert!(container.machine.is_refused(Protocol::Tcp, &out));
        assert!(outside.is_refused(Protocol::Tcp, &inward));
        let advice = network.obstacles()[0].to_string();
        assert!(advice.contains("DOCKER-USER"), "{advice}");
        assert!(nft("insert rule ip filter DOCKER-USER iifname corten0 accept; \
                     insert rule ip filter DOCKER-USER oifname corten0 accept"));
        assert!(container.machine.ask(Protocol::Tcp, &out).is_some());
        assert!(outside.ask(Protocol::Tcp, &inward).is_some());
    });
}

/// The chains that ufw keeps in the filter table, with its usual policies and what `ufw route allow` adds.
#[test]
fn beside_ufw_the_advice_helps() {
    let rules = "add table ip filter; \
        add chain ip filter INPUT { type filter hook input priority 0; policy drop; }; \
        add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }; \
        add chain ip filter ufw-before-input; add chain ip filter ufw-before-forward; \
        add chain ip filter ufw-user-forward; \
        add rule ip filter INPUT jump ufw-before-input; add rule ip filter FORWARD jump ufw-before-forward; \
        add rule ip filter ufw-before-input iifname lo accept; \
        add rule ip filter ufw-before-input ct state established,related accept; \
        add rule ip filter ufw-before-forward ct state established,related accept; \
        add rule ip filter ufw-before-forward icmp type echo-request accept; \
        add rule ip filter ufw-before-forward jump ufw-user-forward";
    let allowed = "add rule ip filter ufw-user-forward iifname corten0 accept; \
        add rule ip filter ufw-user-forward oifname corten0 accept";
    beside(rules, "ufw route allow in on corten0", allowed);
}

/// firewalld's forward chain, which rejects what no zone accepts, and what a trusted zone adds. Its reload takes its
/// own table away and writes it again.
#[test]
fn beside_firewalld_the_advice_helps_and_a_reload_changes_nothing() {
    let rules = "add table inet firewalld; \
        add chain inet firewalld filter_FORWARD { type filter hook forward priority 10; policy accept; }; \
        add chain inet firewalld filter_FORWARD_ZONES; \
        add rule inet firewalld filter_FORWARD ct state established,related accept; \
        add rule inet firewalld filter_FORWARD iifname lo accept; \
        add rule inet firewalld filter_FORWARD ct state invalid drop; \
        add rule inet firewalld filter_FORWARD jump filter_FORWARD_ZONES; \
        add rule inet firewalld filter_FORWARD reject with icmpx admin-prohibited";
    let trusted = "add rule inet firewalld filter_FORWARD_ZONES iifname corten0 accept; \
        add rule inet firewalld filter_FORWARD_ZONES oifname corten0 accept";
    let reload = format!("delete table inet firewalld; {rules}; {trusted}");
    beside(
        rules,
        "--zone=trusted --add-interface=corten0",
        &format!("{trusted}; {reload}"),
    );
}

/// Rules that `iptables` (nftables' one) made with a policy of drop, both families.
#[test]
fn beside_iptables_the_advice_helps() {
    let rules = "add table ip filter; \
        add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }; \
        add table ip6 filter; add chain ip6 filter FORWARD { type filter hook forward priority 0; policy drop; }";
    let accepted = "insert rule ip filter FORWARD iifname corten0 accept; \
        insert rule ip filter FORWARD oifname corten0 accept";
    beside(rules, "iptables -I FORWARD -i corten0 -j ACCEPT", accepted);
}

/// With the other firewall's rules nothing is forwarded, the advice says what to do, and what it does (`remedy`) helps in
/// both directions. The host itself, and neighbours, are not concerned.
fn beside(rules: &str, advice: &str, remedy: &str) {
    let [rules, advice, remedy] = [rules, advice, remedy].map(str::to_owned);
    on_a_host(move || {
        let outside = outside();
        outside.serve(7000);
        if !nft(&rules) {
            return println!("skip: no nft to play somebody else");
        }
        let network = network(BridgeNetworkConfig::default());
        let container = Container::start(&network, 1, &[(None, 8080, 80)]);
        container.machine.serve(80);
        let (out, inward) = (format!("{OUTSIDE}:7000"), format!("{HOST}:8080"));
        assert!(container.machine.ask(Protocol::Tcp, &out).is_none(), "outward");
        assert!(outside.ask(Protocol::Tcp, &inward).is_none(), "inward");
        assert!(host_asks(Protocol::Tcp, "127.0.0.1:8080").is_some(), "from the host");
        let told = network.obstacles();
        assert!(told.iter().any(|told| told.to_string().contains(&advice)), "{told:?}");
        assert!(nft(&remedy), "{remedy}");
        assert!(container.machine.ask(Protocol::Tcp, &out).is_some(), "outward");
        assert!(outside.ask(Protocol::Tcp, &inward).is_some(), "inward");
    });
}

fn nft(rules: &str) -> bool {
    let status = std::process::Command::new("nft").arg(rules).status();
    status.is_ok_and(|status| status.success())
}
