//! Limits.

use std::collections::BTreeMap;

use corten_api::List;
use corten_api::container::{DeviceRequest, HostConfig, Ulimit};
use corten_base::size;

use super::compile::{ConfigError, nullable};
use crate::flag::Parsed;
use crate::option::{decimal, device, device_rate, gpu, ulimit};

const CHECKED: &str = "checked when it was read";

/// Fills in what limits a container and what devices it gets.
pub(super) fn compile(parsed: &Parsed, host: &mut HostConfig) -> Result<(), ConfigError> {
    let number = |flag: &str| parsed.integer(flag).unwrap_or(0);
    host.cpu_shares = number("cpu-shares");
    host.memory = bytes(parsed, "memory");
    host.nano_cpus = parsed
        .text("cpus")
        .map_or(0, |text| decimal::parse_nano(text).expect(CHECKED));
    host.cgroup_parent = parsed.text_or_empty("cgroup-parent");
    host.cpu_period = number("cpu-period");
    host.cpu_quota = number("cpu-quota");
    host.cpu_realtime_period = number("cpu-rt-period");
    host.cpu_realtime_runtime = number("cpu-rt-runtime");
    host.cpuset_cpus = parsed.text_or_empty("cpuset-cpus");
    host.cpuset_mems = parsed.text_or_empty("cpuset-mems");
    host.memory_reservation = bytes(parsed, "memory-reservation");
    host.memory_swap = bytes(parsed, "memory-swap");
    host.memory_swappiness = Some(parsed.integer("memory-swappiness").unwrap_or(-1));
    host.oom_kill_disable = Some(parsed.on("oom-kill-disable"));
    host.pids_limit = Some(number("pids-limit"));
    host.ulimits = ulimits(parsed);
    block_devices(parsed, host);
    devices(parsed, host)
}

/// Sorted by name; the last limit of a name counts.
fn ulimits(parsed: &Parsed) -> List<Ulimit> {
    let limits = parsed.list("ulimit").map(|text| ulimit::parse(text).expect(CHECKED));
    let limits: BTreeMap<String, Ulimit> = limits.map(|limit| (limit.name.clone(), limit)).collect();
    limits.into_values().collect()
}

/// A size, 0 if not given, -1 for none.
pub(crate) fn bytes(parsed: &Parsed, flag: &str) -> i64 {
    match parsed.text(flag) {
        None => 0,
        Some("-1") => -1,
        Some(text) => i64::try_from(size::parse_binary(text).expect(CHECKED)).unwrap_or(i64::MAX),
    }
}

fn block_devices(parsed: &Parsed, host: &mut HostConfig) {
    host.blkio_weight = parsed
        .unsigned("blkio-weight")
        .and_then(|weight| u16::try_from(weight).ok())
        .unwrap_or(0);
    let weights = parsed.list("blkio-weight-device");
    host.blkio_weight_device = weights
        .map(|text| device_rate::parse_weight(text).expect(CHECKED))
        .collect();
    let bytes = |flag: &str| {
        parsed
            .list(flag)
            .map(|text| device_rate::parse_bytes(text).expect(CHECKED))
            .collect::<List<_>>()
    };
    let operations = |flag: &str| {
        parsed
            .list(flag)
            .map(|text| device_rate::parse_operations(text).expect(CHECKED))
            .collect::<List<_>>()
    };
    host.blkio_device_read_bps = bytes("device-read-bps");
    host.blkio_device_write_bps = bytes("device-write-bps");
    host.blkio_device_read_iops = operations("device-read-iops");
    host.blkio_device_write_iops = operations("device-write-iops");
}

fn devices(parsed: &Parsed, host: &mut HostConfig) -> Result<(), ConfigError> {
    let mut by_interface = Vec::new();
    host.devices = List::empty();
    for text in parsed.list("device") {
        if device::is_qualified(text) {
            by_interface.push(text.to_owned());
        } else {
            host.devices.push(device::parse(text)?);
        }
    }
    host.device_cgroup_rules = nullable(parsed.owned("device-cgroup-rule"));
    let mut requests: Vec<DeviceRequest> = parsed
        .list("gpus")
        .map(|text| gpu::parse(text).expect(CHECKED))
        .collect();
    if !by_interface.is_empty() {
        let request = DeviceRequest {
            driver: "cdi".to_owned(),
            device_ids: by_interface.into(),
            ..Default::default()
        };
        requests.push(request);
    }
    host.device_requests = nullable(requests);
    Ok(())
}
