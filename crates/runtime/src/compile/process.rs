//! A process: user, rights, limits, filter.

use oci_spec::runtime::{
    Capability, IOPriorityClass, Linux, LinuxCapabilities, LinuxPersonalityDomain, PosixRlimitType,
};

use super::{NamedUser, Options, PlanError, Seccomp};
use crate::host::Host;
use crate::plan::{Capabilities, IoPriority, Process, Rlimit, User};
use crate::seccomp::{self, Filter};

/// Where the filter of [`Seccomp::Specification`] is.
#[derive(Clone, Copy)]
pub(super) struct Filtered<'a> {
    /// A container's own section.
    pub(super) linux: Option<&'a Linux>,
    /// That of the container's first process.
    pub(super) inherited: Option<&'a Filter>,
}

/// Compiles `process`.
pub(super) fn compile(
    process: &oci_spec::runtime::Process,
    filtered: Filtered<'_>,
    host: &Host,
    options: &Options,
) -> Result<Process, PlanError> {
    super::refuse_first(&[
        (
            "process.selinuxLabel",
            process.selinux_label().as_ref().is_some_and(|label| !label.is_empty()),
        ),
        ("process.execCPUAffinity", process.exec_cpu_affinity().is_some()),
        ("process.scheduler", process.scheduler().is_some()),
    ])?;
    let args = process.args().clone().unwrap_or_default();
    if args.is_empty() {
        return PlanError::invalid("args must not be empty");
    }
    let cwd = process.cwd().to_string_lossy().into_owned();
    if !process.cwd().is_absolute() {
        return PlanError::invalid(format!("Cwd must be an absolute path: {cwd:?}"));
    }
    let env = process.env().clone().unwrap_or_default();
    if let Some(text) = args.iter().chain(&env).chain([&cwd]).find(|text| text.contains('\0')) {
        return PlanError::invalid(format!("{text:?} contains a zero byte"));
    }
    let capabilities = capabilities(process.capabilities().as_ref(), host)?;
    Ok(Process {
        user: user(process, options.user.as_ref()),
        terminal: process.terminal().unwrap_or(false),
        make_cwd: options.make_cwd,
        umask: process.user().umask(),
        no_new_privileges: process.no_new_privileges().unwrap_or(false),
        rlimits: rlimits(process)?,
        oom_score_adj: process.oom_score_adj(),
        seccomp: filter(filtered, &capabilities, host, options)?,
        io_priority: process.io_priority().as_ref().map(io_priority),
        personality: filtered_personality(filtered.linux)?,
        apparmor_profile: apparmor(process, host)?,
        keep_keyring: false,
        args,
        env,
        cwd,
        capabilities,
    })
}

fn user(process: &oci_spec::runtime::Process, named: Option<&NamedUser>) -> User {
    match named {
        Some(named) => User::Named {
            user: named.user.clone(),
            groups: named.groups.clone(),
        },
        None => User::Ids {
            uid: process.user().uid(),
            gid: process.user().gid(),
            additional_gids: process.user().additional_gids().clone().unwrap_or_default(),
        },
    }
}

fn capabilities(sets: Option<&LinuxCapabilities>, host: &Host) -> Result<Capabilities, PlanError> {
    let Some(sets) = sets else {
        return Ok(Capabilities::default());
    };
    let mask = |set: &Option<std::collections::HashSet<Capability>>| -> u64 {
        // What the kernel does not know or the runtime itself lacks is left out, as runc does, which warns.
        set.iter()
            .flatten()
            .map(|&capability| 1 << number(capability))
            .fold(0, |all, one: u64| all | one)
            & host.capabilities
    };
    Ok(Capabilities {
        bounding: mask(sets.bounding()),
        effective: mask(sets.effective()),
        permitted: mask(sets.permitted()),
        inheritable: mask(sets.inheritable()),
        ambient: mask(sets.ambient()),
    })
}

/// The kernel's number (linux/capability.h).
pub(crate) fn number(capability: Capability) -> u32 {
    use Capability as C;
    match capability {
        C::Chown => 0,
        C::DacOverride => 1,
        C::DacReadSearch => 2,
        C::Fowner => 3,
        C::Fsetid => 4,
        C::Kill => 5,
        C::Setgid => 6,
        C::Setuid => 7,
        C::Setpcap => 8,
        C::LinuxImmutable => 9,
        C::NetBindService => 10,
        C::NetBroadcast => 11,
        C::NetAdmin => 12,
        C::NetRaw => 13,
        C::IpcLock => 14,
        C::IpcOwner => 15,
        C::SysModule => 16,
        C::SysRawio => 17,
        C::SysChroot => 18,
        C::SysPtrace => 19,
        C::SysPacct => 20,
        C::SysAdmin => 21,
        C::SysBoot => 22,
        C::SysNice => 23,
        C::SysResource => 24,
        C::SysTime => 25,
        C::SysTtyConfig => 26,
        C::Mknod => 27,
        C::Lease => 28,
        C::AuditWrite => 29,
        C::AuditControl => 30,
        C::Setfcap => 31,
        C::MacOverride => 32,
        C::MacAdmin => 33,
        C::Syslog => 34,
        C::WakeAlarm => 35,
        C::BlockSuspend => 36,
        C::AuditRead => 37,
        C::Perfmon => 38,
        C::Bpf => 39,
        C::CheckpointRestore => 40,
    }
}

fn rlimits(process: &oci_spec::runtime::Process) -> Result<Vec<Rlimit>, PlanError> {
    let mut limits: Vec<Rlimit> = Vec::new();
    for limit in process.rlimits().iter().flatten() {
        let resource = resource(limit.typ());
        if limits.iter().any(|known| known.resource == resource) {
            return PlanError::invalid(format!("duplicated rlimit {}", limit.typ()));
        }
        limits.push(Rlimit {
            resource,
            soft: limit.soft(),
            hard: limit.hard(),
        });
    }
    Ok(limits)
}

fn resource(kind: PosixRlimitType) -> u32 {
    match kind {
        PosixRlimitType::RlimitCpu => 0,
        PosixRlimitType::RlimitFsize => 1,
        PosixRlimitType::RlimitData => 2,
        PosixRlimitType::RlimitStack => 3,
        PosixRlimitType::RlimitCore => 4,
        PosixRlimitType::RlimitRss => 5,
        PosixRlimitType::RlimitNproc => 6,
        PosixRlimitType::RlimitNofile => 7,
        PosixRlimitType::RlimitMemlock => 8,
        PosixRlimitType::RlimitAs => 9,
        PosixRlimitType::RlimitLocks => 10,
        PosixRlimitType::RlimitSigpending => 11,
        PosixRlimitType::RlimitMsgqueue => 12,
        PosixRlimitType::RlimitNice => 13,
        PosixRlimitType::RlimitRtprio => 14,
        PosixRlimitType::RlimitRttime => 15,
    }
}

fn io_priority(priority: &oci_spec::runtime::LinuxIOPriority) -> IoPriority {
    let class = match priority.class() {
        IOPriorityClass::IoprioClassRt => 1,
        IOPriorityClass::IoprioClassBe => 2,
        IOPriorityClass::IoprioClassIdle => 3,
    };
    IoPriority {
        class,
        level: u32::try_from(priority.priority()).unwrap_or(0),
    }
}

fn filtered_personality(linux: Option<&Linux>) -> Result<Option<u64>, PlanError> {
    const LINUX32: u64 = 0x8;
    let Some(personality) = linux.and_then(|linux| linux.personality().as_ref()) else {
        return Ok(None);
    };
    if personality.flags().as_ref().is_some_and(|flags| !flags.is_empty()) {
        return PlanError::invalid("personality flags are not supported");
    }
    Ok(Some(match personality.domain() {
        LinuxPersonalityDomain::PerLinux => 0,
        LinuxPersonalityDomain::PerLinux32 => LINUX32,
    }))
}

fn apparmor(process: &oci_spec::runtime::Process, host: &Host) -> Result<String, PlanError> {
    match process.apparmor_profile().as_deref() {
        None | Some("") => Ok(String::new()),
        Some(_) if !host.apparmor => PlanError::invalid("apparmor profile requested, but apparmor is not enabled"),
        Some(profile) => Ok(profile.to_owned()),
    }
}

fn filter(
    filtered: Filtered<'_>,
    capabilities: &Capabilities,
    host: &Host,
    options: &Options,
) -> Result<Option<Filter>, PlanError> {
    let context = seccomp::Context {
        capabilities: capabilities.bounding,
        kernel: host.kernel,
    };
    match &options.seccomp {
        Seccomp::Unconfined => Ok(None),
        Seccomp::DockerDefault if !host.seccomp => Ok(None),
        Seccomp::DockerDefault => Ok(Some(seccomp::docker_default(&context)?)),
        Seccomp::DockerProfile(json) => Ok(Some(seccomp::docker_profile(json, &context)?)),
        Seccomp::Specification => match filtered.linux.and_then(|linux| linux.seccomp().as_ref()) {
            Some(section) => Ok(Some(seccomp::oci(section)?)),
            None => Ok(filtered.inherited.cloned()),
        },
    }
}
