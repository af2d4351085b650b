//! `--network NAME` and `--network name=..,alias=..,ip=..`.

use super::field::{self, FieldError};

/// One network a container shall join.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attachment {
    /// Name, id or mode (`host`, `none`, `container:x`).
    pub(crate) target: String,
    /// Names under which others find the container there.
    pub(crate) aliases: Vec<String>,
    /// Options of the network's driver.
    pub(crate) driver_options: Vec<(String, String)>,
    /// Links, in the short form only through `--link`.
    pub(crate) links: Vec<String>,
    /// Wanted IPv4 address.
    pub(crate) ipv4: String,
    /// Wanted IPv6 address.
    pub(crate) ipv6: String,
    /// Wanted link-local addresses.
    pub(crate) link_local: Vec<String>,
    /// Wanted hardware address.
    pub(crate) mac_address: String,
    /// Which network's gateway is the default one: the highest.
    pub(crate) gateway_priority: i64,
}

/// The text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NetworkError {
    #[error("{0}")]
    Fields(#[from] FieldError),
    #[error("invalid field {0}")]
    Field(String),
    #[error("invalid field value: {value}: {reason}")]
    Number { value: String, reason: String },
    #[error("invalid key/value pair format in driver options")]
    DriverOption,
    #[error("invalid field key {0}")]
    Key(String),
    #[error("network name/id is not specified")]
    NoName,
}

/// Reads one value.
pub(crate) fn parse(text: &str) -> Result<Attachment, NetworkError> {
    if !is_long(text) {
        return Ok(Attachment {
            target: text.to_owned(),
            ..Attachment::default()
        });
    }
    let mut network = Attachment::default();
    for field in field::split(text)? {
        let lower = field.to_lowercase();
        let (key, _) = lower
            .split_once('=')
            .ok_or_else(|| NetworkError::Field(field.clone()))?;
        let value = field[key.len() + 1..].trim().to_owned();
        set(&mut network, key.trim(), value)?;
    }
    if network.target.is_empty() {
        Err(NetworkError::NoName)
    } else {
        Ok(network)
    }
}

/// Whether there is a `key=value` somewhere, which no name can contain.
fn is_long(text: &str) -> bool {
    let word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let bytes = text.as_bytes();
    (1..bytes.len()).any(|at| bytes[at] == b'=' && word(bytes.get(at - 1)) && word(bytes.get(at + 1)))
}

fn set(network: &mut Attachment, key: &str, value: String) -> Result<(), NetworkError> {
    match key {
        "name" => network.target = value,
        "alias" => network.aliases.push(value),
        "ip" => network.ipv4 = value,
        "ip6" => network.ipv6 = value,
        "mac-address" => network.mac_address = value,
        "link-local-ip" => network.link_local.push(value),
        "driver-opt" => {
            let (key, value) = value.split_once('=').ok_or(NetworkError::DriverOption)?;
            network
                .driver_options
                .push((key.trim().to_lowercase(), value.trim().to_owned()));
        }
        "gw-priority" => {
            network.gateway_priority = value.parse().map_err(|_| NetworkError::Number {
                reason: format!("strconv.Atoi: parsing {value:?}: invalid syntax"),
                value: value.clone(),
            })?;
        }
        _ => return Err(NetworkError::Key(key.to_owned())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!(parse("host").unwrap().target, "host");
        let network = parse("name=n,alias=a,alias=b,ip=1.2.3.4,driver-opt=x=y").unwrap();
        assert_eq!((network.target.as_str(), network.ipv4.as_str()), ("n", "1.2.3.4"));
        assert_eq!(network.aliases, ["a", "b"]);
        assert_eq!(network.driver_options, [("x".to_owned(), "y".to_owned())]);
        assert_eq!(parse("alias=a"), Err(NetworkError::NoName));
        assert_eq!(parse("name=a,b=c"), Err(NetworkError::Key("b".to_owned())));
    }
}
