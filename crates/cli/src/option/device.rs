//! `--device host[:container][:rwm]`, and devices named by the Container Device Interface.

use corten_api::container::DeviceMapping;

/// The text is no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DeviceError {
    #[error("invalid device specification: {0}")]
    Form(String),
    #[error("bad format for path: {0}")]
    Path(String),
    #[error("bad mode specified: {0}")]
    Mode(String),
    #[error("{0} is not an absolute path")]
    Relative(String),
}

/// Reads one mapping.
pub(crate) fn parse(text: &str) -> Result<DeviceMapping, DeviceError> {
    validate(text)?;
    let parts: Vec<&str> = text.split(':').collect();
    let (host, container, mode) = match parts.as_slice() {
        [host] => (*host, *host, "rwm"),
        [host, mode] if is_mode(mode) => (*host, *host, *mode),
        [host, container] => (*host, *container, "rwm"),
        [host, container, mode] => (*host, *container, *mode),
        _ => return Err(DeviceError::Form(text.to_owned())),
    };
    Ok(DeviceMapping {
        path_on_host: host.to_owned(),
        path_in_container: container.to_owned(),
        cgroup_permissions: mode.to_owned(),
    })
}

/// Whether the text names a device of a CDI vendor: `vendor.com/class=name`.
pub(crate) fn is_qualified(text: &str) -> bool {
    let Some((kind, name)) = text.split_once('=') else {
        return false;
    };
    let Some((vendor, class)) = kind.split_once('/') else {
        return false;
    };
    let starts_well = |part: &str| part.starts_with(|letter: char| letter.is_ascii_alphabetic());
    starts_well(vendor) && starts_well(class) && !name.is_empty() && !class.contains('/')
}

/// A rule of the device cgroup: `c 1:3 rwm`.
pub(crate) fn check_rule(text: &str) -> Result<(), String> {
    let number = |part: &str| part == "*" || !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split(' ').collect();
    let valid = match parts.as_slice() {
        [kind, numbers, access] => {
            ["a", "b", "c"].contains(kind)
                && numbers
                    .split_once(':')
                    .is_some_and(|(major, minor)| number(major) && number(minor))
                && (1..=3).contains(&access.len())
                && access.bytes().all(|byte| b"rwm".contains(&byte))
        }
        _ => false,
    };
    if valid {
        Ok(())
    } else {
        Err(format!("invalid device cgroup format '{text}'"))
    }
}

fn validate(text: &str) -> Result<(), DeviceError> {
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 || parts.first().is_some_and(|host| host.is_empty()) {
        return Err(DeviceError::Path(text.to_owned()));
    }
    let container = match parts.as_slice() {
        [host] => *host,
        [host, second] if is_mode(second) => *host,
        [_, second] => *second,
        [_, second, mode] if is_mode(mode) => *second,
        [_, _, mode] => return Err(DeviceError::Mode((*mode).to_owned())),
        _ => return Err(DeviceError::Path(text.to_owned())),
    };
    if container.starts_with('/') {
        Ok(())
    } else {
        Err(DeviceError::Relative(container.to_owned()))
    }
}

fn is_mode(text: &str) -> bool {
    let mut seen = Vec::new();
    for letter in text.chars() {
        if !"rwm".contains(letter) || seen.contains(&letter) {
            return false;
        }
        seen.push(letter);
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings() {
        let read =
            |text: &str| parse(text).map(|d| [d.path_on_host, d.path_in_container, d.cgroup_permissions].join(" "));
        assert_eq!(read("/dev/fuse").as_deref(), Ok("/dev/fuse /dev/fuse rwm"));
        assert_eq!(read("/dev/fuse:r").as_deref(), Ok("/dev/fuse /dev/fuse r"));
        assert_eq!(read("/dev/fuse:/dev/x:rw").as_deref(), Ok("/dev/fuse /dev/x rw"));
        assert_eq!(read("/dev/fuse:/dev/x:rx"), Err(DeviceError::Mode("rx".to_owned())));
        assert_eq!(read("/dev/fuse:x"), Err(DeviceError::Relative("x".to_owned())));
        for (text, error) in [
            ("foo", "foo is not an absolute path"),
            ("foo:r", "foo is not an absolute path"),
            ("/dev/null:", " is not an absolute path"),
            ("/dev/null::r", " is not an absolute path"),
            ("/dev/null:/x:", "bad mode specified: "),
            (":/dev/null", "bad format for path: :/dev/null"),
            ("/a:/b:r:w", "bad format for path: /a:/b:r:w"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), error, "{text}");
        }
        assert!(is_qualified("vendor.com/gpu=0"));
        assert!(!is_qualified("/dev/fuse"));
        assert!(check_rule("c 1:* rwm").is_ok());
        assert!(check_rule("c 1 rwm").is_err());
    }
}
