//! Limits as values for the files of control groups (runtime-spec config-linux.md#control-groups).

use oci_spec::runtime::{LinuxBlockIo, LinuxCpu, LinuxMemory, LinuxResources, LinuxThrottleDevice};

use super::PlanError;
use crate::plan::CgroupWrite;

/// Controllers and writes of a v2 directory.
type Unified = (Vec<String>, Vec<CgroupWrite>);

fn write(file: impl Into<String>, value: impl ToString) -> CgroupWrite {
    CgroupWrite {
        file: file.into(),
        value: value.to_string(),
        optional: false,
    }
}

/// For v1: each write with its controller, in order.
pub(super) fn v1(limits: &LinuxResources) -> Result<Vec<(&'static str, CgroupWrite)>, PlanError> {
    let mut writes = Vec::new();
    if limits.unified().as_ref().is_some_and(|unified| !unified.is_empty()) {
        return PlanError::invalid("unified resources cannot be set on a cgroup v1 host");
    }
    if let Some(memory) = limits.memory() {
        writes.extend(memory_v1(memory)?.into_iter().map(|write| ("memory", write)));
    }
    if let Some(cpu) = limits.cpu() {
        writes.extend(cpu_v1(cpu)?);
    }
    if let Some(pids) = limits.pids() {
        writes.extend(pids_max(pids.limit()).map(|write| ("pids", write)));
    }
    if let Some(block) = limits.block_io() {
        writes.extend(block_v1(block).into_iter().map(|write| ("blkio", write)));
    }
    for huge in limits.hugepage_limits().iter().flatten() {
        writes.push((
            "hugetlb",
            write(format!("hugetlb.{}.limit_in_bytes", huge.page_size()), huge.limit()),
        ));
    }
    if let Some(network) = limits.network() {
        writes.extend(
            network
                .class_id()
                .map(|class| ("net_cls", write("net_cls.classid", class))),
        );
        for priority in network.priorities().iter().flatten() {
            let value = format!("{} {}", priority.name(), priority.priority());
            writes.push(("net_prio", write("net_prio.ifpriomap", value)));
        }
    }
    writes.extend(rdma(limits).map(|write| ("rdma", write)));
    Ok(writes)
}

fn memory_v1(memory: &LinuxMemory) -> Result<Vec<CgroupWrite>, PlanError> {
    let mut writes = Vec::new();
    let limit = memory.limit().filter(|&limit| limit != 0);
    // A limit without end must not leave an old limit for memory with swap.
    let swap = memory
        .swap()
        .filter(|&swap| swap != 0)
        .or(limit.filter(|&limit| limit == -1));
    if let (Some(limit), Some(swap)) = (limit, swap)
        && swap != -1
        && limit > swap
    {
        return PlanError::invalid("memory+swap limit should be larger than or equal to the memory limit");
    }
    writes.extend(limit.map(|limit| write("memory.limit_in_bytes", limit)));
    // Kernels without swap accounting lack the file, which then limits nothing.
    writes.extend(swap.map(|swap| CgroupWrite {
        optional: true,
        ..write("memory.memsw.limit_in_bytes", swap)
    }));
    writes.extend(nonzero(memory.reservation()).map(|value| write("memory.soft_limit_in_bytes", value)));
    writes.extend(nonzero(memory.kernel_tcp()).map(|value| write("memory.kmem.tcp.limit_in_bytes", value)));
    if memory.disable_oom_killer() == Some(true) {
        writes.push(write("memory.oom_control", 1));
    }
    match memory.swappiness() {
        Some(value) if value > 100 => {
            return PlanError::invalid(format!(
                "invalid memory swappiness value: {value} (valid range is 0-100)"
            ));
        }
        swappiness => writes.extend(swappiness.map(|value| write("memory.swappiness", value))),
    }
    Ok(writes)
}

fn nonzero(value: Option<i64>) -> Option<i64> {
    value.filter(|&value| value != 0)
}

/// What the kernel takes as `cpu.shares` (kernel/sched/core.c); other values become the nearest of these.
const SHARES_V1: std::ops::RangeInclusive<u64> = 2..=262_144;

fn cpu_v1(cpu: &LinuxCpu) -> Result<Vec<(&'static str, CgroupWrite)>, PlanError> {
    let mut writes = Vec::new();
    let positive = |value: Option<u64>| value.filter(|&value| value != 0);
    let shares = positive(cpu.shares());
    if let Some(refused) = shares.filter(|shares| !SHARES_V1.contains(shares)) {
        let (least, most) = (SHARES_V1.start(), SHARES_V1.end());
        return Err(PlanError::Limit(match refused < *least {
            true => format!("the minimum allowed cpu-shares is {least}"),
            false => format!("the maximum allowed cpu-shares is {most}"),
        }));
    }
    writes.extend(shares.map(|value| write("cpu.shares", value)));
    writes.extend(positive(cpu.period()).map(|value| write("cpu.cfs_period_us", value)));
    writes.extend(nonzero(cpu.quota()).map(|value| write("cpu.cfs_quota_us", value)));
    writes.extend(cpu.burst().map(|value| write("cpu.cfs_burst_us", value)));
    writes.extend(positive(cpu.realtime_period()).map(|value| write("cpu.rt_period_us", value)));
    writes.extend(nonzero(cpu.realtime_runtime()).map(|value| write("cpu.rt_runtime_us", value)));
    writes.extend(cpu.idle().map(|value| write("cpu.idle", value)));
    let mut writes: Vec<_> = writes.into_iter().map(|write| ("cpu", write)).collect();
    writes.extend(sets(cpu).map(|write| ("cpuset", write)));
    Ok(writes)
}

fn sets(cpu: &LinuxCpu) -> impl Iterator<Item = CgroupWrite> {
    let named = |file: &'static str, value: &Option<String>| {
        value
            .as_ref()
            .filter(|value| !value.is_empty())
            .map(|value| write(file, value))
    };
    named("cpuset.cpus", cpu.cpus())
        .into_iter()
        .chain(named("cpuset.mems", cpu.mems()))
}

fn pids_max(limit: i64) -> Option<CgroupWrite> {
    match limit {
        0 => None,
        negative if negative < 0 => Some(write("pids.max", "max")),
        limit => Some(write("pids.max", limit)),
    }
}

fn block_v1(block: &LinuxBlockIo) -> Vec<CgroupWrite> {
    let mut writes = Vec::new();
    writes.extend(
        block
            .weight()
            .filter(|&weight| weight != 0)
            .into_iter()
            .flat_map(|weight| either(write("blkio.bfq.weight", weight), write("blkio.weight", weight))),
    );
    writes.extend(
        block
            .leaf_weight()
            .filter(|&weight| weight != 0)
            .map(|weight| write("blkio.leaf_weight", weight)),
    );
    for device in block.weight_device().iter().flatten() {
        let line = |weight: u16| format!("{}:{} {weight}", device.major(), device.minor());
        writes.extend(device.weight().into_iter().flat_map(|weight| {
            either(
                write("blkio.bfq.weight_device", line(weight)),
                write("blkio.weight_device", line(weight)),
            )
        }));
        writes.extend(
            device
                .leaf_weight()
                .map(|weight| write("blkio.leaf_weight_device", line(weight))),
        );
    }
    let throttles = [
        ("blkio.throttle.read_bps_device", block.throttle_read_bps_device()),
        ("blkio.throttle.write_bps_device", block.throttle_write_bps_device()),
        ("blkio.throttle.read_iops_device", block.throttle_read_iops_device()),
        ("blkio.throttle.write_iops_device", block.throttle_write_iops_device()),
    ];
    for (file, devices) in throttles {
        writes.extend(throttled(devices).map(|(device, rate)| write(file, format!("{device} {rate}"))));
    }
    writes
}

fn throttled(devices: &Option<Vec<LinuxThrottleDevice>>) -> impl Iterator<Item = (String, u64)> {
    devices
        .iter()
        .flatten()
        .map(|device| (format!("{}:{}", device.major(), device.minor()), device.rate()))
}

fn rdma(limits: &LinuxResources) -> impl Iterator<Item = CgroupWrite> {
    limits.rdma().iter().flatten().map(|(device, limit)| {
        let one = |name: &str, value: Option<u32>| value.map(|value| format!(" {name}={value}")).unwrap_or_default();
        let value = format!(
            "{device}{}{}",
            one("hca_handle", limit.hca_handles()),
            one("hca_object", limit.hca_objects())
        );
        write("rdma.max", value)
    })
}

/// For v2: the controllers needed and the writes, in order.
pub(super) fn v2(limits: &LinuxResources) -> Result<Unified, PlanError> {
    let mut writes = Vec::new();
    if let Some(memory) = limits.memory() {
        writes.extend(memory_v2(memory)?);
    }
    if let Some(cpu) = limits.cpu() {
        writes.extend(cpu_v2(cpu));
    }
    if let Some(pids) = limits.pids() {
        writes.extend(pids_max(pids.limit()));
    }
    if let Some(block) = limits.block_io() {
        writes.extend(block_v2(block));
    }
    for huge in limits.hugepage_limits().iter().flatten() {
        writes.push(write(format!("hugetlb.{}.max", huge.page_size()), huge.limit()));
    }
    writes.extend(rdma(limits));
    let mut unified: Vec<_> = limits.unified().iter().flatten().collect();
    unified.sort();
    for (file, value) in unified {
        if file.contains('/') || file.is_empty() {
            return PlanError::invalid(format!("unified resource {file:?} must be a file name (no slashes)"));
        }
        writes.push(write(file, value));
    }
    // Whatever has no limit is still accounted for, and devices need none.
    let mut controllers: Vec<String> = ["cpu", "memory", "pids", "io", "cpuset"].map(str::to_owned).to_vec();
    for write in &writes {
        let controller = write.file.split('.').next().unwrap_or_default().to_owned();
        if controller != "cgroup" && !controllers.contains(&controller) {
            controllers.push(controller);
        }
    }
    Ok((controllers, writes))
}

fn memory_v2(memory: &LinuxMemory) -> Result<Vec<CgroupWrite>, PlanError> {
    let mut writes = Vec::new();
    let bytes = |value: i64| {
        if value == -1 {
            "max".to_owned()
        } else {
            value.to_string()
        }
    };
    let limit = nonzero(memory.limit());
    writes.extend(nonzero(memory.reservation()).map(|value| write("memory.low", bytes(value))));
    writes.extend(limit.map(|limit| write("memory.max", bytes(limit))));
    let swap = swap_alone(memory)?.map(|swap| swap.map_or_else(|| "max".to_owned(), |bytes| bytes.to_string()));
    writes.extend(swap.map(|swap| CgroupWrite {
        optional: true,
        ..write("memory.swap.max", swap)
    }));
    Ok(writes)
}

/// The specification counts memory with swap, v2 swap alone. Outer `None`: not limited anew; inner: without end.
pub(super) fn swap_alone(memory: &LinuxMemory) -> Result<Option<Option<u64>>, PlanError> {
    match (nonzero(memory.swap()), nonzero(memory.limit())) {
        (Some(-1), _) | (None, Some(-1)) => Ok(Some(None)),
        (Some(swap), Some(limit)) if limit != -1 => {
            let alone = swap.checked_sub(limit).and_then(|alone| u64::try_from(alone).ok());
            match alone {
                Some(alone) => Ok(Some(Some(alone))),
                None => PlanError::invalid("memory+swap limit should be larger than or equal to the memory limit"),
            }
        }
        (Some(_), _) => PlanError::invalid("unable to set swap limit without memory limit"),
        (None, _) => Ok(None),
    }
}

fn cpu_v2(cpu: &LinuxCpu) -> Vec<CgroupWrite> {
    const PERIOD_MICROSECONDS: u64 = 100_000;
    let mut writes = Vec::new();
    writes.extend(cpu.idle().map(|value| write("cpu.idle", value)));
    writes.extend(
        cpu.shares()
            .filter(|&shares| shares != 0)
            .map(|shares| write("cpu.weight", weight(shares))),
    );
    if cpu.quota().is_some() || cpu.period().is_some() {
        let quota = cpu
            .quota()
            .filter(|&quota| quota > 0)
            .map_or_else(|| "max".to_owned(), |quota| quota.to_string());
        let period = cpu
            .period()
            .filter(|&period| period != 0)
            .unwrap_or(PERIOD_MICROSECONDS);
        writes.push(write("cpu.max", format!("{quota} {period}")));
    }
    writes.extend(cpu.burst().map(|burst| write("cpu.max.burst", burst)));
    writes.extend(sets(cpu));
    writes
}

/// v1 shares, 2 to 262144, on v2's scale of 1 to 10000.
pub(super) fn weight(shares: u64) -> u64 {
    1 + (shares.clamp(2, 262_144) - 2) * 9999 / 262_142
}

/// Weights have one file for each way the kernel has of keeping to them, and any of the ways may be absent.
fn either(bfq: CgroupWrite, other: CgroupWrite) -> [CgroupWrite; 2] {
    [bfq, other].map(|write| CgroupWrite {
        optional: true,
        ..write
    })
}

fn block_v2(block: &LinuxBlockIo) -> Vec<CgroupWrite> {
    let mut writes = Vec::new();
    // 10 to 1000 on v2's scale of 1 to 10000; the scheduler BFQ takes it as it is.
    let scaled = |weight: u16| 1 + (u64::from(weight.clamp(10, 1000)) - 10) * 9999 / 990;
    let weights = |weight: u16| either(write("io.bfq.weight", weight), write("io.weight", scaled(weight)));
    writes.extend(
        block
            .weight()
            .filter(|&weight| weight != 0)
            .into_iter()
            .flat_map(weights),
    );
    for device in block.weight_device().iter().flatten() {
        let numbers = format!("{}:{}", device.major(), device.minor());
        writes.extend(device.weight().into_iter().flat_map(|weight| {
            weights(weight).map(|one| CgroupWrite {
                value: format!("{numbers} {}", one.value),
                ..one
            })
        }));
    }
    let throttles = [
        ("rbps", block.throttle_read_bps_device()),
        ("wbps", block.throttle_write_bps_device()),
        ("riops", block.throttle_read_iops_device()),
        ("wiops", block.throttle_write_iops_device()),
    ];
    for (name, devices) in throttles {
        writes.extend(throttled(devices).map(|(device, rate)| write("io.max", format!("{device} {name}={rate}"))));
    }
    writes
}

#[cfg(test)]
mod tests {
    use oci_spec::runtime::{
        LinuxBlockIoBuilder, LinuxCpuBuilder, LinuxMemoryBuilder, LinuxPidsBuilder, LinuxResourcesBuilder,
        LinuxWeightDeviceBuilder,
    };

    use super::*;

    fn lines<'w>(writes: impl IntoIterator<Item = &'w CgroupWrite>) -> Vec<String> {
        writes
            .into_iter()
            .map(|write| format!("{}={}", write.file, write.value))
            .collect()
    }

    fn limits() -> LinuxResources {
        let memory = LinuxMemoryBuilder::default()
            .limit(1000)
            .swap(1500)
            .reservation(500)
            .build()
            .unwrap();
        let cpu = LinuxCpuBuilder::default()
            .shares(1024u64)
            .quota(50_000)
            .cpus("0")
            .build()
            .unwrap();
        let pids = LinuxPidsBuilder::default().limit(-1).build().unwrap();
        LinuxResourcesBuilder::default()
            .memory(memory)
            .cpu(cpu)
            .pids(pids)
            .devices(vec![])
            .build()
            .unwrap()
    }

    #[test]
    fn v1_files() {
        let writes = v1(&limits()).unwrap();
        assert_eq!(
            lines(writes.iter().map(|(_, write)| write)),
            [
                "memory.limit_in_bytes=1000",
                "memory.memsw.limit_in_bytes=1500",
                "memory.soft_limit_in_bytes=500",
                "cpu.shares=1024",
                "cpu.cfs_quota_us=50000",
                "cpuset.cpus=0",
                "pids.max=max"
            ]
        );
    }

    #[test]
    fn shares_that_the_kernel_would_change() {
        for (shares, refused) in [
            (0_u64, None),
            (1, Some("the minimum allowed cpu-shares is 2")),
            (2, None),
            (262_144, None),
            (262_145, Some("the maximum allowed cpu-shares is 262144")),
        ] {
            let cpu = LinuxCpuBuilder::default().shares(shares).build().unwrap();
            let said = cpu_v1(&cpu).err().map(|error| error.to_string());
            assert_eq!(said.as_deref(), refused, "{shares}");
        }
    }

    #[test]
    fn weights_for_block_devices() {
        let device = LinuxWeightDeviceBuilder::default()
            .major(8)
            .minor(0)
            .weight(10u16)
            .build()
            .unwrap();
        let block = LinuxBlockIoBuilder::default()
            .weight(1000u16)
            .weight_device(vec![device])
            .build()
            .unwrap();
        let v1 = block_v1(&block);
        assert_eq!(
            lines(&v1),
            [
                "blkio.bfq.weight=1000",
                "blkio.weight=1000",
                "blkio.bfq.weight_device=8:0 10",
                "blkio.weight_device=8:0 10"
            ]
        );
        let v2 = block_v2(&block);
        assert_eq!(
            lines(&v2),
            [
                "io.bfq.weight=1000",
                "io.weight=10000",
                "io.bfq.weight=8:0 10",
                "io.weight=8:0 1"
            ]
        );
        assert!(v1.iter().chain(&v2).all(|write| write.optional));
    }

    #[test]
    fn v2_files() {
        let (controllers, writes) = v2(&limits()).unwrap();
        assert!(controllers.iter().any(|name| name == "memory"));
        assert_eq!(
            lines(&writes),
            [
                "memory.low=500",
                "memory.max=1000",
                "memory.swap.max=500",
                "cpu.weight=39",
                "cpu.max=50000 100000",
                "cpuset.cpus=0",
                "pids.max=max"
            ]
        );
    }
}
