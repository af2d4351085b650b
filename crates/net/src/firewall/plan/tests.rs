//! The plan as a table: which chains, rules and maps a list of networks gives.

use super::*;

fn network(bridge: &str, subnets: &[&str]) -> Network {
    let subnets = subnets.iter().map(|text| text.parse().expect("a subnet")).collect();
    Network {
        bridge: bridge.to_owned(),
        subnets,
        reach: Reach {
            neighbours: true,
            outside: true,
            four: Crossing::default(),
            six: Crossing::default(),
        },
        trusted: Vec::new(),
    }
}

#[test]
fn base_chains_do_not_grow_with_networks() {
    let none = table(&[], Means::default());
    let two = table(
        &[
            network("a", &["10.0.0.0/24"]),
            network("b", &["10.0.1.0/24", "fd00::/64"]),
        ],
        Means::default(),
    );
    let rules = |table: &Table| {
        table
            .chains
            .iter()
            .filter(|chain| chain.hook.is_some())
            .map(|chain| chain.rules.len())
            .sum::<usize>()
    };
    assert_eq!(rules(&none), rules(&two));
    assert_eq!(two.chains.len(), none.chains.len() + 8);
    assert!(two.elements.iter().all(|(_, elements)| elements.len() == 2));
}

#[test]
fn every_jump_has_its_chain_and_every_lookup_its_map() {
    let table = table(&[network("corten0", &["172.17.0.0/16"])], Means::default());
    let chain = |name: &str| table.chains.iter().any(|chain| chain.name == name);
    let map = |name: &str| table.maps.iter().any(|map| map.name == name);
    for expression in table.chains.iter().flat_map(|chain| chain.rules.iter().flatten()) {
        match expression {
            Expression::End(Verdict::Jump(to)) => assert!(chain(to), "{to}"),
            Expression::InSet(name, _)
            | Expression::Remember(name, _)
            | Expression::MapVerdict(name, _)
            | Expression::MapTo { map: name, .. } => {
                assert!(map(name), "{name}");
            }
            _ => {}
        }
    }
    for (name, elements) in &table.elements {
        assert!(map(name));
        for (_, value) in elements {
            if let Value::Verdict(Verdict::Jump(to)) = value {
                assert!(chain(to), "{to}");
            }
        }
    }
}

#[test]
fn what_was_let_through_once_looks_into_no_map() {
    let chains = base_chains(Means::default());
    let forward = chains.iter().find(|chain| chain.name == "forward").unwrap();
    let established = Expression::Connection(Connection::State, R0);
    assert!(forward.rules[0].contains(&established), "{:?}", forward.rules[0]);
    assert_eq!(forward.rules[0].last(), Some(&Expression::End(Verdict::Accept)));
    let looks = |rule: &Vec<Expression>| matches!(rule.last(), Some(Expression::MapVerdict(..)));
    assert!(forward.rules[1..].iter().all(looks));
}

#[test]
fn a_family_without_rules_leaves_every_chain_at_once() {
    let means = Means {
        rules4: false,
        ..Means::default()
    };
    let leave = rule([family(IPV4), end(Verdict::Accept)]);
    for chain in base_chains(means).iter().filter(|chain| chain.hook.is_some()) {
        assert_eq!(chain.rules[0], leave, "{}", chain.name);
    }
}

#[test]
fn neighbours_and_masquerade_can_be_switched_off() {
    let mut closed = network("corten0", &["172.17.0.0/16"]);
    let before = inward(&closed).rules.len();
    closed.reach.neighbours = false;
    closed.reach.four.source = Source::Own;
    let rules = inward(&closed).rules;
    assert_eq!(rules.len(), before, "what links open in place of all neighbours");
    assert!(rules[0].contains(&Expression::InSet(linked::LINKED4.to_owned(), R0)));
    assert!(outbound(&closed).rules.is_empty());
}

#[test]
fn families_cross_the_gateway_each_in_its_way() {
    let mut both = network("b", &["10.0.0.0/24", "fd00::/64"]);
    let closed = inward(&both).rules.len();
    for (four, six, more) in [
        (Open::Nothing, Open::Nothing, 0),
        (Open::Published, Open::Nothing, 1),
        (Open::Routed, Open::Nothing, 2),
        (Open::Nothing, Open::Everything, 1),
        (Open::Routed, Open::Routed, 4),
    ] {
        (both.reach.four.open, both.reach.six.open) = (four, six);
        let rules = inward(&both).rules;
        assert_eq!(rules.len(), closed + more, "{four:?} {six:?}");
        assert_eq!(rules.last(), Some(&end(Verdict::Drop)), "the other family stays closed");
    }
    both.reach.six.source = Source::Own;
    both.reach.four.source = Source::Fixed(IpAddr::from([192, 0, 2, 1]));
    let rules = outbound(&both).rules;
    let fixed = Expression::Value(R0, vec![192, 0, 2, 1]);
    assert!(rules.len() == 1 && rules[0].contains(&fixed), "{rules:?}");
    both.trusted = vec!["eth0".to_owned()];
    assert_eq!(inward(&both).rules.len(), closed + 5);
}
