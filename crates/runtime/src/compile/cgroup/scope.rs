//! The scope of a container where systemd has the control groups (pure): its name and place, and its limits as
//! properties of a unit, as runc sets them. What systemd has no property for is written into the group alone.

use std::path::PathBuf;

use oci_spec::runtime::{LinuxCpu, LinuxResources};

use super::super::{PlanError, resources};
use crate::plan::{Layout, Property, PropertyValue, Scope};

const SLICE: &str = ".slice";

/// The slice of containers that do not say.
pub(super) const DEFAULT_SLICE: &str = "system.slice";

/// `slice:prefix:name` of `linux.cgroupsPath` (runc's systemd.md); nothing: `system.slice`, without a prefix.
pub(super) fn named(path: &str, id: &str) -> Result<Scope, PlanError> {
    let parts: Vec<&str> = path.split(':').collect();
    let (slice, prefix, name) = match parts[..] {
        [""] => ("", "", id),
        [slice, prefix, name] => (slice, prefix, name),
        _ => {
            return PlanError::invalid(format!(
                "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got {path:?} instead"
            ));
        }
    };
    let fits = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.+:\\@".contains(&byte))
    };
    if name.is_empty() || !fits(name) || !fits(prefix) {
        return PlanError::invalid(format!("invalid name of a systemd scope: {path:?}"));
    }
    let unit = match prefix {
        "" => format!("{name}.scope"),
        prefix => format!("{prefix}-{name}.scope"),
    };
    Ok(Scope {
        unit,
        slice: if slice.is_empty() { DEFAULT_SLICE } else { slice }.to_owned(),
        description: format!("Corten container {name}"),
        properties: Vec::new(),
    })
}

/// Where a slice's group is: `a-b.slice` is `a.slice/a-b.slice`; `-.slice` is the root.
pub(super) fn place(slice: &str) -> Result<PathBuf, PlanError> {
    let invalid = || PlanError::invalid(format!("invalid slice name: {slice}"));
    let Some(name) = slice.strip_suffix(SLICE).filter(|name| !name.is_empty()) else {
        return invalid();
    };
    let mut place = PathBuf::new();
    if name == "-" {
        return Ok(place);
    }
    if name.contains('/') || name.split('-').any(str::is_empty) {
        return invalid();
    }
    for (end, _) in name.match_indices('-').chain([(name.len(), "")]) {
        place.push(format!("{}{SLICE}", &name[..end]));
    }
    Ok(place)
}

/// What every scope has accounted.
pub(super) fn accounting(layout: Layout) -> Vec<Property> {
    let block = match layout {
        Layout::V1 => "BlockIOAccounting",
        Layout::V2 => "IOAccounting",
    };
    ["MemoryAccounting", "CPUAccounting", "TasksAccounting", block]
        .map(|name| property(name, PropertyValue::Bool(true)))
        .to_vec()
}

/// The limits that are set.
pub(crate) fn limits(layout: Layout, resources: &LinuxResources) -> Result<Vec<Property>, PlanError> {
    let mut properties = Vec::new();
    let number = |name: &str, value: u64| property(name, PropertyValue::Number(value));
    if let Some(memory) = resources.memory() {
        let bytes = |value: i64| u64::try_from(value).unwrap_or(u64::MAX);
        let limit = memory.limit().filter(|&limit| limit != 0);
        let max = match layout {
            Layout::V1 => "MemoryLimit",
            Layout::V2 => "MemoryMax",
        };
        properties.extend(limit.map(|limit| number(max, bytes(limit))));
        if layout == Layout::V2 {
            let low = memory.reservation().filter(|&reservation| reservation != 0);
            properties.extend(low.map(|low| number("MemoryLow", bytes(low))));
            let swap = resources::swap_alone(memory)?;
            properties.extend(swap.map(|swap| number("MemorySwapMax", swap.unwrap_or(u64::MAX))));
        }
    }
    if let Some(cpu) = resources.cpu() {
        properties.extend(processor(layout, cpu)?);
    }
    if let (Layout::V1, Some(weight)) = (layout, resources.block_io().as_ref().and_then(|block| block.weight()))
        && weight != 0
    {
        properties.push(number("BlockIOWeight", u64::from(weight)));
    }
    let tasks = resources.pids().as_ref().map(|pids| pids.limit());
    let tasks = tasks.filter(|&limit| limit != 0);
    properties.extend(tasks.map(|limit| number("TasksMax", u64::try_from(limit).unwrap_or(u64::MAX))));
    Ok(properties)
}

fn processor(layout: Layout, cpu: &LinuxCpu) -> Result<Vec<Property>, PlanError> {
    let number = |name: &str, value: u64| property(name, PropertyValue::Number(value));
    let mut properties = Vec::new();
    if let Some(shares) = cpu.shares().filter(|&shares| shares != 0) {
        properties.push(match layout {
            Layout::V1 => number("CPUShares", shares),
            Layout::V2 => number("CPUWeight", resources::weight(shares)),
        });
    }
    let period = cpu.period().filter(|&period| period != 0);
    properties.extend(period.map(|period| number("CPUQuotaPeriodUSec", period)));
    if cpu.quota().is_some_and(|quota| quota != 0) || period.is_some() {
        properties.push(number("CPUQuotaPerSecUSec", per_second(cpu.quota(), period)));
    }
    if layout == Layout::V2 {
        for (name, list) in [("AllowedCPUs", cpu.cpus()), ("AllowedMemoryNodes", cpu.mems())] {
            if let Some(list) = list.as_ref().filter(|list| !list.is_empty()) {
                properties.push(property(name, PropertyValue::Bytes(bits(list)?)));
            }
        }
    }
    Ok(properties)
}

/// Microseconds of processor time per second, in systemd's steps of 10 ms, so that it is never less than asked.
fn per_second(quota: Option<i64>, period: Option<u64>) -> u64 {
    const PERIOD: u64 = 100_000;
    const STEP: u64 = 10_000;
    let Some(quota) = quota
        .and_then(|quota| u64::try_from(quota).ok())
        .filter(|&quota| quota > 0)
    else {
        return u64::MAX;
    };
    let exact = quota.saturating_mul(1_000_000) / period.unwrap_or(PERIOD);
    exact.checked_next_multiple_of(STEP).unwrap_or(u64::MAX)
}

/// `0-2,5` as a set of bits.
fn bits(list: &str) -> Result<Vec<u8>, PlanError> {
    /// More than any kernel has.
    const MOST: usize = 1 << 16;
    let mut bytes = Vec::new();
    for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let range = (first.trim().parse::<usize>(), last.trim().parse::<usize>());
        let (Ok(first), Ok(last)) = range else {
            return PlanError::invalid(format!("invalid list of processors or memory nodes: {list:?}"));
        };
        if last < first || last >= MOST {
            return PlanError::invalid(format!("invalid list of processors or memory nodes: {list:?}"));
        }
        bytes.resize(bytes.len().max(last / 8 + 1), 0);
        for bit in first..=last {
            bytes[bit / 8] |= 1 << (bit % 8);
        }
    }
    Ok(bytes)
}

pub(super) fn property(name: &str, value: PropertyValue) -> Property {
    Property {
        name: name.to_owned(),
        value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn names() {
        let scope = named("my.slice:docker:abc", "x").unwrap();
        assert_eq!(
            (scope.unit.as_str(), scope.slice.as_str()),
            ("docker-abc.scope", "my.slice")
        );
        assert_eq!(named("", "x").unwrap().unit, "x.scope");
        assert_eq!(named("::n", "x").unwrap().slice, "system.slice");
        for wrong in ["/a/b", "a:b", "a:b:c:d", "a:b:", "a:b:c/d"] {
            assert!(named(wrong, "x").is_err(), "{wrong}");
        }
    }

    #[test]
    fn slices() {
        for (slice, wanted) in [
            ("system.slice", "system.slice"),
            ("a-b-c.slice", "a.slice/a-b.slice/a-b-c.slice"),
            ("-.slice", ""),
        ] {
            assert_eq!(place(slice).unwrap(), PathBuf::from(wanted), "{slice}");
        }
        for wrong in [
            ".slice",
            "a",
            "a/b.slice",
            "-a.slice",
            "a--b.slice",
            "a-.slice",
            "../x.slice",
        ] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }

    fn said(layout: Layout, resources: Value) -> String {
        let resources: LinuxResources = serde_json::from_value(resources).unwrap();
        let said = limits(layout, &resources).unwrap();
        let one = |property: &Property| match &property.value {
            PropertyValue::Number(u64::MAX) => format!("{}=infinity", property.name),
            PropertyValue::Number(number) => format!("{}={number}", property.name),
            PropertyValue::Bytes(bytes) => format!("{}={bytes:?}", property.name),
            other => format!("{}={other:?}", property.name),
        };
        said.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn limits_as_properties() {
        let memory = json!({ "memory": { "limit": 1000, "swap": 1500, "reservation": 500 } });
        assert_eq!(
            said(Layout::V2, memory.clone()),
            "MemoryMax=1000 MemoryLow=500 MemorySwapMax=500"
        );
        assert_eq!(said(Layout::V1, memory), "MemoryLimit=1000");
        let endless = json!({ "memory": { "limit": -1, "swap": -1 }, "pids": { "limit": -1 } });
        assert_eq!(
            said(Layout::V2, endless),
            "MemoryMax=infinity MemorySwapMax=infinity TasksMax=infinity"
        );
        let cpu = json!({ "cpu": { "shares": 1024, "quota": 33_333, "cpus": "0-1,9", "mems": "0" } });
        assert_eq!(
            said(Layout::V2, cpu.clone()),
            "CPUWeight=39 CPUQuotaPerSecUSec=340000 AllowedCPUs=[3, 2] AllowedMemoryNodes=[1]"
        );
        assert_eq!(said(Layout::V1, cpu), "CPUShares=1024 CPUQuotaPerSecUSec=340000");
        let free = json!({ "cpu": { "quota": -1, "period": 50_000 } });
        assert_eq!(
            said(Layout::V2, free),
            "CPUQuotaPeriodUSec=50000 CPUQuotaPerSecUSec=infinity"
        );
        assert_eq!(
            said(Layout::V2, json!({ "pids": { "limit": 0 }, "cpu": { "shares": 0 } })),
            ""
        );
        assert_eq!(
            said(Layout::V1, json!({ "blockIO": { "weight": 300 } })),
            "BlockIOWeight=300"
        );
    }

    #[test]
    fn lists_that_are_none() {
        for wrong in ["x", "2-1", "0-99999999"] {
            assert!(bits(wrong).is_err(), "{wrong}");
        }
    }
}
