//! What a registry asks for: the header `WWW-Authenticate` (pure; RFC 7235 and the token specification of the
//! distribution protocol).

/// One way to convince a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// Name and password with each request.
    Basic,
    /// A token that somebody else gives.
    Bearer {
        /// Whom to ask for one.
        realm: String,
        /// For whom it is.
        service: String,
        /// For what it is.
        scope: String,
    },
}

/// The first challenge that can be answered among the values of the header.
pub(crate) fn first<'a>(values: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    values.filter_map(read).next()
}

fn read(value: &str) -> Option<Challenge> {
    let (scheme, rest) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let parameters = parameters(rest);
    let find = |name: &str| {
        let found = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let realm = find("realm");
    (!realm.is_empty()).then(|| Challenge::Bearer {
        realm,
        service: find("service"),
        scope: find("scope"),
    })
}

/// `name="value", name=value`; a backslash inside quotes takes what follows as it is.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut characters = text.chars().peekable();
    loop {
        while characters.next_if(|c| c.is_whitespace() || *c == ',').is_some() {}
        let mut name = String::new();
        while let Some(c) = characters.next_if(|c| !c.is_whitespace() && *c != '=' && *c != ',') {
            name.push(c);
        }
        if name.is_empty() {
            return found;
        }
        let mut value = String::new();
        if characters.next_if_eq(&'=').is_some() {
            if characters.next_if_eq(&'"').is_some() {
                while let Some(c) = characters.next().filter(|c| *c != '"') {
                    value.extend(if c == '\\' { characters.next() } else { Some(c) });
                }
            } else {
                while let Some(c) = characters.next_if(|c| !c.is_whitespace() && *c != ',') {
                    value.push(c);
                }
            }
        }
        found.push((name, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges() {
        let one = |value: &str| first([value].into_iter());
        assert_eq!(one("Basic realm=\"x\""), Some(Challenge::Basic));
        assert_eq!(one("Digest realm=\"x\""), None);
        assert_eq!(one("Bearer service=\"x\""), None);
        assert_eq!(
            one(r#"Bearer realm="https://auth.example/token",service="a \"b\"" , scope=pull"#),
            Some(Challenge::Bearer {
                realm: "https://auth.example/token".to_owned(),
                service: "a \"b\"".to_owned(),
                scope: "pull".to_owned(),
            })
        );
        assert_eq!(first(["Negotiate", "basic"].into_iter()), Some(Challenge::Basic));
        for broken in ["", "Bearer ,,,=", "Bearer realm=\"", "Bearer realm"] {
            assert_eq!(one(broken), None, "{broken}");
        }
    }
}
