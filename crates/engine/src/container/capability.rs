//! Capability names, Docker's default set, and what `--cap-add` and `--cap-drop` make of it (pure).

/// All capabilities by number, without `CAP_` (capabilities(7)).
pub const ALL: &[&str] = &[
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// What a container has unless it says otherwise.
pub const DEFAULT: &[&str] = &[
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SYS_CHROOT",
    "MKNOD",
    "AUDIT_WRITE",
    "SETFCAP",
];

/// The name in capitals without `CAP_`, or `ALL`; `None` if it is no capability.
#[must_use]
pub fn canonical(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
    (name == "ALL" || ALL.contains(&name)).then(|| name.to_owned())
}

/// The capabilities that this process could give away, bit n for number n, by the text of `/proc/self/status`.
#[must_use]
pub fn bounding(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(u64::MAX)
}

/// The resulting set as `CAP_X` names in the kernel's order; `available` are those that can be given at all,
/// bit n for number n.
#[must_use]
pub fn tweak(add: &[String], drop: &[String], privileged: bool, available: u64) -> Vec<String> {
    let add: Vec<String> = add.iter().filter_map(|text| canonical(text)).collect();
    let drop: Vec<String> = drop.iter().filter_map(|text| canonical(text)).collect();
    let has = |list: &[String], name: &str| list.iter().any(|other| other == name);
    let wanted = |name: &str| {
        if privileged {
            return true;
        }
        let base = if has(&add, "ALL") {
            true
        } else if has(&drop, "ALL") {
            false
        } else {
            DEFAULT.contains(&name)
        };
        (base || has(&add, name)) && !(has(&drop, name) && !(has(&add, name) && has(&drop, "ALL")))
    };
    let numbered = ALL
        .iter()
        .enumerate()
        .filter(|(number, _)| available >> number & 1 == 1);
    numbered
        .filter(|(_, name)| wanted(name))
        .map(|(_, name)| format!("CAP_{name}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(add: &[&str], drop: &[&str]) -> Vec<String> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        tweak(&owned(add), &owned(drop), false, u64::MAX)
    }

    #[test]
    fn combinations() {
        assert_eq!(set(&[], &[]).len(), DEFAULT.len());
        assert_eq!(set(&["ALL"], &[]).len(), ALL.len());
        assert_eq!(set(&["all"], &["net_admin"]).len(), ALL.len() - 1);
        assert_eq!(set(&["CAP_NET_ADMIN"], &["ALL"]), ["CAP_NET_ADMIN"]);
        assert_eq!(set(&[], &["ALL"]), [""; 0]);
        assert!(set(&["SYS_ADMIN"], &["CHOWN"]).iter().all(|name| name != "CAP_CHOWN"));
        assert_eq!(tweak(&[], &[], true, bounding("CapBnd:\t0000003ffeffffff\n")).len(), 37);
        assert_eq!(canonical("nope"), None);
    }
}
