//! What `-o parent=` names: a link of the host, or one to be made over it for a VLAN. Pure.

/// What is below a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing<'a> {
    /// A VLAN of a link that is there, or not.
    Vlan {
        /// The link below.
        below: &'a str,
        /// Number of the VLAN.
        number: u16,
    },
    /// Nothing that could be made, in Docker's words.
    Wrong(String),
}

/// What a name that no link has asks for: `eth0.10`. Observed: dockerd 28.5.
#[must_use]
pub fn missing(name: &str) -> Missing<'_> {
    let Some((below, text)) = name.split_once('.').filter(|(below, _)| !below.is_empty()) else {
        return Missing::Wrong(format!(
            "invalid subinterface vlan name {name}, example formatting is eth0.10"
        ));
    };
    let Ok(number) = text.parse::<i64>() else {
        return Missing::Wrong(format!(
            "unable to parse a valid vlan id from: {text} (ex. eth0.10 for vlan 10)"
        ));
    };
    match u16::try_from(number).ok().filter(|number| (1..=4094).contains(number)) {
        Some(number) => Missing::Vlan { below, number },
        None => Missing::Wrong(format!("vlan id must be between 1-4094, received: {number}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_dockers_words() {
        let below = "eth0";
        assert_eq!(missing("eth0.10"), Missing::Vlan { below, number: 10 });
        for (name, text) in [
            (
                "nolink",
                "invalid subinterface vlan name nolink, example formatting is eth0.10",
            ),
            (
                "eth0.x",
                "unable to parse a valid vlan id from: x (ex. eth0.10 for vlan 10)",
            ),
            ("eth0.0", "vlan id must be between 1-4094, received: 0"),
            ("eth0.5000", "vlan id must be between 1-4094, received: 5000"),
        ] {
            assert_eq!(missing(name), Missing::Wrong(text.to_owned()), "{name}");
        }
    }
}
