//! Limits of one block device: `--device-read-bps path:1mb`, `--device-read-iops path:100`,
//! `--blkio-weight-device path:500`.

use corten_api::container::{ThrottleDevice, WeightDevice};

use corten_base::size;

/// The text is no such limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DeviceRateError {
    #[error("bad format: {0}")]
    Form(String),
    #[error("bad format for device path: {0}")]
    Path(String),
    #[error(
        "invalid rate for device: {0}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb"
    )]
    Bytes(String),
    #[error(
        "invalid rate for device: {0}. The correct format is <device-path>:<number>. Number must be a positive integer"
    )]
    Operations(String),
    #[error("invalid weight for device: {0}")]
    Weight(String),
}

/// A rate in bytes per second.
pub(crate) fn parse_bytes(text: &str) -> Result<ThrottleDevice, DeviceRateError> {
    let (path, rate) = split(text)?;
    let rate = size::parse_binary(rate).ok();
    Ok(ThrottleDevice {
        path,
        rate: rate.ok_or_else(|| DeviceRateError::Bytes(text.to_owned()))?,
    })
}

/// A rate in operations per second.
pub(crate) fn parse_operations(text: &str) -> Result<ThrottleDevice, DeviceRateError> {
    let (path, rate) = split(text)?;
    Ok(ThrottleDevice {
        path,
        rate: rate.parse().map_err(|_| DeviceRateError::Operations(text.to_owned()))?,
    })
}

/// A weight between 10 and 1000; 0 means the default.
pub(crate) fn parse_weight(text: &str) -> Result<WeightDevice, DeviceRateError> {
    let (path, weight) = split(text)?;
    let fail = || DeviceRateError::Weight(text.to_owned());
    let weight: u16 = weight.parse().map_err(|_| fail())?;
    if weight != 0 && !(10..=1000).contains(&weight) {
        return Err(fail());
    }
    Ok(WeightDevice { path, weight })
}

fn split(text: &str) -> Result<(String, &str), DeviceRateError> {
    let (path, value) = text
        .split_once(':')
        .ok_or_else(|| DeviceRateError::Form(text.to_owned()))?;
    if value.is_empty() || path.is_empty() {
        return Err(DeviceRateError::Form(text.to_owned()));
    }
    if !path.starts_with("/dev/") {
        return Err(DeviceRateError::Path(text.to_owned()));
    }
    Ok((path.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        assert_eq!(
            parse_bytes("/dev/sda:1mb"),
            Ok(ThrottleDevice {
                path: "/dev/sda".to_owned(),
                rate: 1 << 20
            })
        );
        assert_eq!(parse_operations("/dev/sda:9").map(|device| device.rate), Ok(9));
        assert_eq!(parse_weight("/dev/sda:500").map(|device| device.weight), Ok(500));
        assert!(parse_weight("/dev/sda:5").is_err());
        assert_eq!(parse_bytes("sda:1"), Err(DeviceRateError::Path("sda:1".to_owned())));
        assert!(parse_bytes("/dev/sda").is_err());
    }
}
