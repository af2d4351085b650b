//! From a profile to a program.
//!
//! ```text
//! architecture? -> per architecture: number -> binary search over ranges with one verdict
//!                                              -> verdict, or tests of the arguments first
//! ```
//!
//! A number above every one that the profile mentions is a system call that its author did not know:
//! where the default is an error, it gets ENOSYS, so that programs fall back (as runc does).

use corten_sys::seccomp::{INSTRUCTION_LIMIT, Instruction};

use super::assembler::{
    AND_VALUE, Assembler, Branches, JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_OR_EQUAL, LOAD_WORD, Label,
};
use super::profile::{Action, Comparison, Condition, Profile};
use super::{Architecture, CompileError, Filter, syscall};

/// struct seccomp_data, linux/seccomp.h.
const OFFSET_NUMBER: u32 = 0;
const OFFSET_ARCHITECTURE: u32 = 4;
const OFFSET_ARGUMENTS: u32 = 16;

/// Marks x32 numbers.
const X32_BIT: u32 = 0x4000_0000;

const ENOSYS: u16 = 38;

/// Compiles `profile`.
pub(super) fn compile(profile: &Profile) -> Result<Filter, CompileError> {
    let program = assemble(profile);
    if program.len() > INSTRUCTION_LIMIT {
        return Err(CompileError::TooLong(program.len()));
    }
    Ok(Filter::from_instructions(&program, profile.flags))
}

/// The program in the order of execution.
pub(super) fn assemble(profile: &Profile) -> Vec<Instruction> {
    let mut assembler = Assembler::default();
    let foreign = assembler.verdict(Action::KillProcess.value());
    let mut chain = foreign;
    for audit in audits(profile) {
        let body = body(&mut assembler, profile, audit);
        let number = assembler.then(LOAD_WORD, OFFSET_NUMBER, body);
        chain = assembler.test(JUMP_EQUAL, audit, Branches { yes: number, no: chain });
    }
    assembler.then(LOAD_WORD, OFFSET_ARCHITECTURE, chain);
    assembler.finish()
}

/// Audit numbers of the profile's architectures, the native one last: it is assembled last and so tested first.
fn audits(profile: &Profile) -> Vec<u32> {
    let mut audits: Vec<u32> = profile
        .architectures
        .iter()
        .map(|architecture| architecture.audit())
        .collect();
    audits.sort_by_key(|&audit| (audit == Architecture::NATIVE.audit(), audit));
    audits.dedup();
    audits
}

/// Everything for one audit number, with the system call's number in the accumulator.
fn body(assembler: &mut Assembler, profile: &Profile, audit: u32) -> Label {
    let has = |wanted: Architecture| profile.architectures.contains(&wanted);
    if audit != Architecture::X86_64.audit() {
        let architecture = if audit == Architecture::X86.audit() {
            Architecture::X86
        } else if audit == Architecture::Aarch64.audit() {
            Architecture::Aarch64
        } else {
            Architecture::Arm
        };
        return tree(assembler, profile, architecture);
    }
    let mut half = |architecture| {
        if has(architecture) {
            tree(assembler, profile, architecture)
        } else {
            assembler.verdict(Action::KillProcess.value())
        }
    };
    let (x32, x86_64) = (half(Architecture::X32), half(Architecture::X86_64));
    assembler.test(JUMP_GREATER_OR_EQUAL, X32_BIT, Branches { yes: x32, no: x86_64 })
}

/// What happens to the numbers from `first` on up to the next range.
#[derive(Debug, Clone, PartialEq)]
struct Range {
    first: u32,
    decision: Decision,
}

/// Verdicts under conditions, tried in order, and what happens when none applies.
#[derive(Debug, Clone, PartialEq)]
struct Decision {
    conditional: Vec<(Vec<Condition>, Action)>,
    otherwise: Action,
}

fn tree(assembler: &mut Assembler, profile: &Profile, architecture: Architecture) -> Label {
    let ranges = ranges(profile, architecture);
    search(assembler, &ranges, architecture.is_wide())
}

fn search(assembler: &mut Assembler, ranges: &[Range], wide: bool) -> Label {
    match ranges {
        [] => assembler.verdict(Action::KillProcess.value()),
        [one] => decide(assembler, &one.decision, wide),
        _ => {
            let (low, high) = ranges.split_at(ranges.len() / 2);
            let yes = search(assembler, high, wide);
            let no = search(assembler, low, wide);
            assembler.test(JUMP_GREATER_OR_EQUAL, high[0].first, Branches { yes, no })
        }
    }
}

/// Ranges that cover all numbers, neighbours with the same decision merged.
fn ranges(profile: &Profile, architecture: Architecture) -> Vec<Range> {
    let mark = if architecture == Architecture::X32 { X32_BIT } else { 0 };
    let mut rules: Vec<(u32, &super::profile::Rule)> = profile
        .rules
        .iter()
        .filter_map(|rule| Some((syscall::number(&rule.name, architecture)? | mark, rule)))
        .collect();
    rules.sort_by_key(|(number, _)| *number);
    let default = Decision {
        conditional: Vec::new(),
        otherwise: profile.default,
    };
    let mut ranges = vec![Range {
        first: mark,
        decision: default.clone(),
    }];
    let mut add = |first: u32, decision: Decision| {
        // A range of no length is replaced.
        if ranges.last().is_some_and(|last: &Range| last.first == first) {
            ranges.pop();
        }
        if ranges.last().is_none_or(|last| last.decision != decision) {
            ranges.push(Range { first, decision });
        }
    };
    for group in rules.chunk_by(|a, b| a.0 == b.0) {
        add(group[0].0, decision(group, profile.default));
        add(group[0].0 + 1, default.clone());
    }
    if let (Some((highest, _)), Action::Errno(errno)) = (rules.last(), profile.default)
        && errno != ENOSYS
    {
        add(
            highest + 1,
            Decision {
                conditional: Vec::new(),
                otherwise: Action::Errno(ENOSYS),
            },
        );
    }
    ranges
}

/// A rule without conditions decides alone.
fn decision(rules: &[(u32, &super::profile::Rule)], default: Action) -> Decision {
    if let Some((_, rule)) = rules.iter().find(|(_, rule)| rule.conditions.is_empty()) {
        return Decision {
            conditional: Vec::new(),
            otherwise: rule.action,
        };
    }
    let conditional = rules
        .iter()
        .map(|(_, rule)| (rule.conditions.clone(), rule.action))
        .collect();
    Decision {
        conditional,
        otherwise: default,
    }
}

fn decide(assembler: &mut Assembler, decision: &Decision, wide: bool) -> Label {
    let mut next = assembler.verdict(decision.otherwise.value());
    for (conditions, action) in decision.conditional.iter().rev() {
        let mut yes = assembler.verdict(action.value());
        for condition in conditions.iter().rev() {
            yes = compare(assembler, *condition, Branches { yes, no: next }, wide);
        }
        next = yes;
    }
    next
}

/// Tests one argument, its upper half first. Architectures with narrow arguments have no upper half.
fn compare(assembler: &mut Assembler, condition: Condition, branches: Branches, wide: bool) -> Label {
    let Branches { yes, no } = branches;
    let swapped = Branches { yes: no, no: yes };
    let halves = Halves { condition, wide };
    match condition.comparison {
        Comparison::Equal => halves.equal(assembler, branches, u64::MAX),
        Comparison::NotEqual => halves.equal(assembler, swapped, u64::MAX),
        Comparison::MaskedEqual { mask } => halves.equal(assembler, branches, mask),
        Comparison::Greater => halves.ordered(assembler, JUMP_GREATER, branches),
        Comparison::GreaterOrEqual => halves.ordered(assembler, JUMP_GREATER_OR_EQUAL, branches),
        Comparison::Less => halves.ordered(assembler, JUMP_GREATER_OR_EQUAL, swapped),
        Comparison::LessOrEqual => halves.ordered(assembler, JUMP_GREATER, swapped),
    }
}

struct Halves {
    condition: Condition,
    wide: bool,
}

impl Halves {
    fn offset(&self) -> u32 {
        OFFSET_ARGUMENTS + 8 * u32::from(self.condition.argument)
    }

    fn low(&self) -> u32 {
        self.condition.value as u32
    }

    fn high(&self) -> u32 {
        (self.condition.value >> 32) as u32
    }

    fn equal(&self, assembler: &mut Assembler, branches: Branches, mask: u64) -> Label {
        let low = Half {
            offset: self.offset(),
            value: self.low(),
            mask: mask as u32,
        };
        let label = low.equal(assembler, branches);
        if !self.wide {
            return label;
        }
        let high = Half {
            offset: self.offset() + 4,
            value: self.high(),
            mask: (mask >> 32) as u32,
        };
        high.equal(
            assembler,
            Branches {
                yes: label,
                no: branches.no,
            },
        )
    }

    fn ordered(&self, assembler: &mut Assembler, code: u16, branches: Branches) -> Label {
        let test = assembler.test(code, self.low(), branches);
        let low = assembler.then(LOAD_WORD, self.offset(), test);
        if !self.wide {
            return low;
        }
        let same = assembler.test(
            JUMP_EQUAL,
            self.high(),
            Branches {
                yes: low,
                no: branches.no,
            },
        );
        let greater = assembler.test(
            JUMP_GREATER,
            self.high(),
            Branches {
                yes: branches.yes,
                no: same,
            },
        );
        assembler.then(LOAD_WORD, self.offset() + 4, greater)
    }
}

struct Half {
    offset: u32,
    value: u32,
    mask: u32,
}

impl Half {
    fn equal(&self, assembler: &mut Assembler, branches: Branches) -> Label {
        if self.mask == 0 {
            return if self.value == 0 { branches.yes } else { branches.no };
        }
        let mut label = assembler.test(JUMP_EQUAL, self.value, branches);
        if self.mask != u32::MAX {
            label = assembler.then(AND_VALUE, self.mask, label);
        }
        assembler.then(LOAD_WORD, self.offset, label)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::profile::Rule;
    use super::super::simulator::{Call, run};
    use super::super::{Context, default};
    use super::*;

    const X86_64: u32 = 0xc000_003e;
    const X86: u32 = 0x4000_0003;

    fn call(audit: u32, number: u32, arguments: &[u64]) -> Call {
        let mut all = [0; 6];
        all[..arguments.len()].copy_from_slice(arguments);
        Call {
            number,
            audit,
            arguments: all,
        }
    }

    fn native(name: &str) -> u32 {
        syscall::number(name, Architecture::X86_64).unwrap()
    }

    #[test]
    fn the_default_profile_decides_as_docker_documents() {
        let context = Context {
            capabilities: 0xa804_25fb,
            kernel: (6, 18),
        };
        let program = assemble(&default::profile(&context, Architecture::X86_64));
        assert!(program.len() < 1000, "{} instructions", program.len());
        let verdict = |name: &str, arguments: &[u64]| run(&program, &call(X86_64, native(name), arguments));
        let (allow, eperm, enosys) = (0x7fff_0000, 0x0005_0001, 0x0005_0026);
        for name in [
            "read",
            "execve",
            "openat2",
            "futex_waitv",
            "chroot",
            "arch_prctl",
            "ptrace",
            "mseal",
            "listmount",
        ] {
            assert_eq!(verdict(name, &[]), allow, "{name}");
        }
        for name in [
            "mount",
            "setns",
            "unshare",
            "keyctl",
            "add_key",
            "bpf",
            "reboot",
            "io_uring_setup",
            "io_uring_enter",
            "userfaultfd",
            "open_by_handle_at",
            "perf_event_open",
            "request_key",
            "kexec_load",
            "finit_module",
            "move_mount",
            "fsopen",
        ] {
            assert_eq!(verdict(name, &[]), eperm, "{name}");
        }
        assert_eq!(verdict("clone3", &[]), enosys);
        assert_eq!(verdict("clone", &[0x11]), allow);
        assert_eq!(verdict("clone", &[0x1000_0011]), eperm);
        assert_eq!(verdict("socket", &[40]), eperm);
        assert_eq!(verdict("socket", &[2]), allow);
        assert_eq!(verdict("personality", &[0xffff_ffff]), allow);
        assert_eq!(verdict("personality", &[0x4_0000]), eperm);
        assert_eq!(run(&program, &call(X86_64, 467, &[])), enosys);
        assert_eq!(run(&program, &call(X86_64, 10_000, &[])), enosys);
        // i386: 11 is execve, 21 mount, 359 socket; x32: 520 is execve.
        assert_eq!(run(&program, &call(X86, 11, &[])), allow);
        assert_eq!(run(&program, &call(X86, 21, &[])), eperm);
        assert_eq!(run(&program, &call(X86, 359, &[40])), eperm);
        assert_eq!(run(&program, &call(X86_64, X32_BIT | 520, &[])), allow);
        assert_eq!(run(&program, &call(X86_64, X32_BIT | 165, &[])), eperm);
        assert_eq!(run(&program, &call(0xc000_00b7, 0, &[])), 0x8000_0000);
    }

    #[test]
    fn capabilities_open_their_groups() {
        let context = Context {
            capabilities: u64::MAX,
            kernel: (6, 18),
        };
        let program = assemble(&default::profile(&context, Architecture::X86_64));
        for name in [
            "mount",
            "clone3",
            "clone",
            "bpf",
            "reboot",
            "init_module",
            "iopl",
            "mbind",
            "syslog",
        ] {
            assert_eq!(
                run(&program, &call(X86_64, native(name), &[0x1000_0000])),
                0x7fff_0000,
                "{name}"
            );
        }
        assert_eq!(run(&program, &call(X86_64, native("keyctl"), &[])), 0x0005_0001);
    }

    fn holds(condition: &Condition, arguments: &[u64; 6]) -> bool {
        let argument = arguments[usize::from(condition.argument)];
        match condition.comparison {
            Comparison::NotEqual => argument != condition.value,
            Comparison::Less => argument < condition.value,
            Comparison::LessOrEqual => argument <= condition.value,
            Comparison::Equal => argument == condition.value,
            Comparison::GreaterOrEqual => argument >= condition.value,
            Comparison::Greater => argument > condition.value,
            Comparison::MaskedEqual { mask } => argument & mask == condition.value,
        }
    }

    /// Values whose halves often agree.
    fn value() -> impl Strategy<Value = u64> {
        (0..3u64, 0..3u64).prop_map(|(high, low)| high << 32 | low)
    }

    fn condition() -> impl Strategy<Value = Condition> {
        let comparison = prop_oneof![
            Just(Comparison::NotEqual),
            Just(Comparison::Less),
            Just(Comparison::LessOrEqual),
            Just(Comparison::Equal),
            Just(Comparison::GreaterOrEqual),
            Just(Comparison::Greater),
            value().prop_map(|mask| Comparison::MaskedEqual { mask }),
        ];
        (0..6u8, comparison, value()).prop_map(|(argument, comparison, value)| Condition {
            argument,
            comparison,
            value,
        })
    }

    proptest! {
        #[test]
        fn conditions_mean_what_they_say(
            alternatives in prop::collection::vec(prop::collection::vec(condition(), 1..4), 1..120),
            arguments in prop::array::uniform6(value()),
        ) {
            let rules = alternatives.iter().enumerate().map(|(index, conditions)| Rule {
                name: "getpid".into(),
                action: Action::Errno(100 + index as u16),
                conditions: conditions.clone(),
            });
            let profile = Profile {
                default: Action::Errno(1),
                architectures: vec![Architecture::X86_64],
                rules: rules.collect(),
                flags: 0,
            };
            let first = alternatives.iter().position(|all| all.iter().all(|one| holds(one, &arguments)));
            let expected = first.map_or(1, |index| 100 + index as u32) | 0x0005_0000;
            let program = assemble(&profile);
            prop_assert_eq!(run(&program, &Call { number: native("getpid"), audit: X86_64, arguments }), expected);
        }

        #[test]
        fn every_number_gets_its_own_verdict(listed in prop::collection::btree_set(0..400u32, 0..200), number in 0..460u32) {
            let names = super::super::syscall::names(Architecture::X86_64);
            let rules = names.iter().filter(|(_, number)| listed.contains(number));
            let rules: Vec<_> = rules.map(|(name, number)| Rule {
                name: (*name).to_owned(),
                action: if number % 3 == 0 { Action::Allow } else { Action::Errno(*number as u16 + 1) },
                conditions: Vec::new(),
            }).collect();
            let highest = names.iter().map(|(_, number)| *number).filter(|number| listed.contains(number)).max();
            let profile = Profile { default: Action::Errno(1), architectures: vec![Architecture::X86_64], rules, flags: 0 };
            let known = names.iter().any(|(_, known)| *known == number) && listed.contains(&number);
            let expected = match (known, highest) {
                (true, _) if number % 3 == 0 => 0x7fff_0000,
                (true, _) => 0x0005_0000 | (number + 1),
                (false, Some(highest)) if number > highest => 0x0005_0026,
                (false, _) => 0x0005_0001,
            };
            prop_assert_eq!(run(&assemble(&profile), &call(X86_64, number, &[])), expected);
        }
    }
}
