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

fn nft(rules: &str) -> bool {
    let status = std::process::Command::new("nft").arg(rules).status();
    status.is_ok_and(|status| status.success())
}
