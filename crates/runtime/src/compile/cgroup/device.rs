//! Device rules of a container: what may be read, written and made.
//!
//! The specification's rules are applied in order to an empty list, as the v1 controller would:
//! a rule for all devices resets the list, others add to or take from the entry with the same type
//! and numbers. What every container needs is added last. The result is written to a v1 controller or
//! becomes an eBPF program for a v2 group.

use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType};

use super::scope::property;
use crate::compile::PlanError;
use crate::plan::{CgroupWrite, Property, PropertyValue};

/// The state after all rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rules {
    /// What holds for a device that is not listed.
    allow_others: bool,
    /// Exceptions to it.
    exceptions: Vec<Exception>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Exception {
    /// [`BLOCK`] or [`CHARACTER`].
    kind: u32,
    /// `None`: all.
    major: Option<u32>,
    minor: Option<u32>,
    /// [`MAKE`], [`READ`], [`WRITE`] together.
    access: u32,
}

/// linux/bpf.h, `BPF_DEVCG_*`.
const BLOCK: u32 = 1;
const CHARACTER: u32 = 2;
const MAKE: u32 = 1;
const READ: u32 = 2;
const WRITE: u32 = 4;
const ALL: u32 = MAKE | READ | WRITE;

/// Every container may make any node and use these: null, zero, full, random, urandom, tty, console, terminals, ptmx.
const DEFAULTS: [Exception; 11] = [
    Exception {
        kind: CHARACTER,
        major: None,
        minor: None,
        access: MAKE,
    },
    Exception {
        kind: BLOCK,
        major: None,
        minor: None,
        access: MAKE,
    },
    character(1, Some(3)),
    character(1, Some(5)),
    character(1, Some(7)),
    character(1, Some(8)),
    character(1, Some(9)),
    character(5, Some(0)),
    character(5, Some(1)),
    character(136, None),
    character(5, Some(2)),
];

const fn character(major: u32, minor: Option<u32>) -> Exception {
    Exception {
        kind: CHARACTER,
        major: Some(major),
        minor,
        access: ALL,
    }
}

impl Rules {
    /// Applies `rules` in order, then the defaults.
    pub(super) fn of(rules: &[LinuxDeviceCgroup]) -> Result<Self, PlanError> {
        let mut state = Self::default();
        for rule in rules {
            state.apply(rule)?;
        }
        if !state.allow_others {
            for default in DEFAULTS {
                state.add(default);
            }
        }
        Ok(state)
    }

    fn apply(&mut self, rule: &LinuxDeviceCgroup) -> Result<(), PlanError> {
        let access = access(rule)?;
        let kinds: &[u32] = match rule.typ().unwrap_or(LinuxDeviceType::A) {
            LinuxDeviceType::A => &[],
            LinuxDeviceType::B => &[BLOCK],
            LinuxDeviceType::C | LinuxDeviceType::U => &[CHARACTER],
            LinuxDeviceType::P => return PlanError::invalid("device rules cannot name pipes"),
        };
        let (major, minor) = (number(rule.major())?, number(rule.minor())?);
        if kinds.is_empty() && access == ALL && major.is_none() && minor.is_none() {
            *self = Self {
                allow_others: rule.allow(),
                exceptions: Vec::new(),
            };
            return Ok(());
        }
        let kinds = if kinds.is_empty() { &[BLOCK, CHARACTER] } else { kinds };
        for &kind in kinds {
            let exception = Exception {
                kind,
                major,
                minor,
                access,
            };
            // An exception says the opposite of what holds for others.
            if rule.allow() == self.allow_others {
                self.take(exception)
            } else {
                self.add(exception)
            }
        }
        Ok(())
    }

    fn add(&mut self, new: Exception) {
        match self.exceptions.iter_mut().find(|old| old.names_the_same(&new)) {
            Some(old) => old.access |= new.access,
            None => self.exceptions.push(new),
        }
    }

    fn take(&mut self, taken: Exception) {
        for old in self.exceptions.iter_mut().filter(|old| old.names_the_same(&taken)) {
            old.access &= !taken.access;
        }
        self.exceptions.retain(|old| old.access != 0);
    }

    /// Commands for `devices.allow` and `devices.deny` of a group that inherits everything.
    pub(super) fn v1_writes(&self) -> impl Iterator<Item = CgroupWrite> {
        let write = |file: &str, value| CgroupWrite {
            file: file.to_owned(),
            value,
            optional: false,
        };
        let (exceptions, reset) = if self.allow_others {
            ("devices.deny", None)
        } else {
            ("devices.allow", Some(write("devices.deny", "a".to_owned())))
        };
        reset
            .into_iter()
            .chain(self.exceptions.iter().map(move |one| write(exceptions, one.v1())))
    }

    /// The same for systemd, which writes the v1 files anew when it loads its configuration again. What it cannot
    /// say, all devices but a few, is no policy to it.
    pub(super) fn properties(&self) -> Vec<Property> {
        let text = |text: &str| PropertyValue::Text(text.to_owned());
        if self.allow_others {
            return vec![property("DevicePolicy", text("auto"))];
        }
        let devices = self.exceptions.iter().map(Exception::named).collect();
        vec![
            property("DevicePolicy", text("strict")),
            property("DeviceAllow", PropertyValue::Devices(devices)),
        ]
    }

    /// The program: each exception is compared in turn; empty if everything is allowed.
    ///
    /// An exception that allows needs all of the wanted access, one that denies any of it.
    pub(super) fn program(&self) -> Vec<u64> {
        if self.allow_others && self.exceptions.is_empty() {
            return Vec::new();
        }
        let mut program = vec![
            // r2 = type, r3 = wanted access, r4 = major, r5 = minor
            instruction(LOAD_WORD, 2, 1, 0, 0),
            instruction(AND_VALUE, 2, 0, 0, 0xffff),
            instruction(LOAD_WORD, 3, 1, 0, 0),
            instruction(SHIFT_RIGHT_VALUE, 3, 0, 0, 16),
            instruction(LOAD_WORD, 4, 1, 4, 0),
            instruction(LOAD_WORD, 5, 1, 8, 0),
        ];
        for exception in &self.exceptions {
            program.extend(exception.instructions(!self.allow_others));
        }
        program.extend(verdict(self.allow_others));
        program
    }
}

impl Exception {
    fn names_the_same(&self, other: &Self) -> bool {
        (self.kind, self.major, self.minor) == (other.kind, other.major, other.minor)
    }

    fn letters(&self) -> String {
        let letters = [(READ, 'r'), (WRITE, 'w'), (MAKE, 'm')];
        let given = letters.iter().filter(|(bit, _)| self.access & bit != 0);
        given.map(|(_, letter)| letter).collect()
    }

    fn v1(&self) -> String {
        let number = |number: Option<u32>| number.map_or_else(|| "*".to_owned(), |number| number.to_string());
        let kind = if self.kind == BLOCK { 'b' } else { 'c' };
        format!(
            "{kind} {}:{} {}",
            number(self.major),
            number(self.minor),
            self.letters()
        )
    }

    /// As `DeviceAllow` has it (systemd.resource-control(5)).
    fn named(&self) -> (String, String) {
        let kind = if self.kind == BLOCK { "block" } else { "char" };
        let device = match (self.major, self.minor) {
            (Some(major), Some(minor)) => format!("/dev/{kind}/{major}:{minor}"),
            (Some(major), None) => format!("{kind}-{major}"),
            (None, _) => format!("{kind}-*"),
        };
        (device, self.letters())
    }

    fn instructions(&self, allow: bool) -> Vec<u64> {
        let end = verdict(allow);
        let mut tests = Vec::new();
        if self.access != ALL {
            tests.push(vec![
                instruction(COPY, 1, 3, 0, 0),
                instruction(AND_VALUE, 1, 0, 0, self.access),
            ]);
            if allow {
                tests.push(vec![instruction(JUMP_UNEQUAL, 1, 3, 0, 0)]);
            } else {
                tests.push(vec![instruction(JUMP_EQUAL_VALUE, 1, 0, 0, 0)]);
            }
        }
        tests.push(vec![instruction(JUMP_UNEQUAL_VALUE, 2, 0, 0, self.kind)]);
        for (register, number) in [(4, self.major), (5, self.minor)] {
            tests.extend(number.map(|number| vec![instruction(JUMP_UNEQUAL_VALUE, register, 0, 0, number)]));
        }
        let mut program: Vec<u64> = tests.into_iter().flatten().collect();
        let length = program.len();
        for (position, one) in program.iter_mut().enumerate() {
            if is_jump(*one) {
                // To the first instruction after this exception's verdict.
                let distance = length - position - 1 + end.len();
                *one |= (distance as u64) << 16;
            }
        }
        program.extend(end);
        program
    }
}

fn access(rule: &LinuxDeviceCgroup) -> Result<u32, PlanError> {
    let letters = rule.access().as_deref().unwrap_or("rwm");
    let mut access = 0;
    for letter in letters.chars() {
        access |= match letter {
            'r' => READ,
            'w' => WRITE,
            'm' => MAKE,
            other => return PlanError::invalid(format!("unknown device access {other:?}")),
        };
    }
    Ok(if access == 0 { ALL } else { access })
}

fn number(number: Option<i64>) -> Result<Option<u32>, PlanError> {
    match number {
        None | Some(-1) => Ok(None),
        Some(number) => match u32::try_from(number) {
            Ok(number) => Ok(Some(number)),
            Err(_) => PlanError::invalid(format!("device number {number} out of range")),
        },
    }
}

const LOAD_WORD: u8 = 0x61;
const AND_VALUE: u8 = 0x54;
const SHIFT_RIGHT_VALUE: u8 = 0x74;
const COPY: u8 = 0xbc;
const SET_VALUE: u8 = 0xb7;
const JUMP_UNEQUAL_VALUE: u8 = 0x55;
const JUMP_EQUAL_VALUE: u8 = 0x15;
const JUMP_UNEQUAL: u8 = 0x5d;
const EXIT: u8 = 0x95;

fn verdict(allow: bool) -> [u64; 2] {
    [
        instruction(SET_VALUE, 0, 0, 0, u32::from(allow)),
        instruction(EXIT, 0, 0, 0, 0),
    ]
}

fn is_jump(instruction: u64) -> bool {
    [JUMP_UNEQUAL_VALUE, JUMP_EQUAL_VALUE, JUMP_UNEQUAL].contains(&(instruction as u8))
}

/// struct bpf_insn on a little endian host: code, destination and source registers, offset, value.
const fn instruction(code: u8, destination: u8, source: u8, offset: u16, value: u32) -> u64 {
    code as u64 | ((source << 4 | destination) as u64) << 8 | (offset as u64) << 16 | (value as u64) << 32
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rules(rules: Value) -> Rules {
        let rules: Vec<LinuxDeviceCgroup> = serde_json::from_value(rules).unwrap();
        Rules::of(&rules).unwrap()
    }

    /// Executes a program for one access as the kernel would.
    fn allows(program: &[u64], kind: u32, access: u32, number: (u32, u32)) -> bool {
        let context = [access << 16 | kind, number.0, number.1];
        let mut registers = [0u32; 6];
        let mut at = 0;
        loop {
            let one = program[at];
            let (code, value) = (one as u8, (one >> 32) as u32);
            let (to, from) = ((one >> 8 & 15) as usize, (one >> 12 & 15) as usize);
            let offset = (one >> 16 & 0xffff) as usize;
            at += 1;
            let jump = match code {
                LOAD_WORD => {
                    registers[to] = context[offset / 4];
                    false
                }
                AND_VALUE => {
                    registers[to] &= value;
                    false
                }
                SHIFT_RIGHT_VALUE => {
                    registers[to] >>= value;
                    false
                }
                COPY => {
                    registers[to] = registers[from];
                    false
                }
                SET_VALUE => {
                    registers[to] = value;
                    false
                }
                JUMP_UNEQUAL_VALUE => registers[to] != value,
                JUMP_EQUAL_VALUE => registers[to] == value,
                JUMP_UNEQUAL => registers[to] != registers[from],
                EXIT => return registers[0] == 1,
                code => panic!("unknown instruction {code:#x}"),
            };
            if jump {
                at += offset;
            }
        }
    }

    #[test]
    fn what_is_listed_is_allowed_and_the_defaults_always() {
        let program = rules(json!([
            { "allow": false, "access": "rwm" },
            { "allow": true, "type": "c", "major": 10, "minor": 200, "access": "r" },
            { "allow": true, "type": "c", "major": 10, "minor": 200, "access": "w" },
            { "allow": true, "type": "b", "major": 8, "access": "r" },
            { "allow": false, "type": "c", "major": 10, "minor": 229, "access": "rwm" },
        ]))
        .program();
        assert!(allows(&program, CHARACTER, READ | WRITE, (10, 200)));
        assert!(allows(&program, CHARACTER, MAKE, (10, 200)), "every node may be made");
        assert!(!allows(&program, CHARACTER, READ, (10, 229)));
        assert!(allows(&program, BLOCK, READ, (8, 17)));
        assert!(!allows(&program, BLOCK, READ | WRITE, (8, 17)));
        assert!(allows(&program, CHARACTER, READ | WRITE, (1, 3)));
        assert!(allows(&program, CHARACTER, READ, (136, 77)));
        assert!(!allows(&program, CHARACTER, READ, (1, 1)));
        assert!(!allows(&program, BLOCK, READ, (1, 3)));
    }

    #[test]
    fn privileged_containers_have_no_rules() {
        let all = rules(json!([{ "allow": true, "access": "rwm" }]));
        assert!(all.program().is_empty());
        assert_eq!(all.v1_writes().count(), 0);
        let but_one = rules(json!([
            { "allow": true, "access": "rwm" },
            { "allow": false, "type": "c", "major": 1, "minor": 1, "access": "w" },
        ]));
        let program = but_one.program();
        assert!(!allows(&program, CHARACTER, READ | WRITE, (1, 1)));
        assert!(allows(&program, CHARACTER, READ, (1, 1)));
        assert!(allows(&program, BLOCK, WRITE, (1, 1)));
        assert_eq!(
            but_one.v1_writes().map(|write| write.value).collect::<Vec<_>>(),
            ["c 1:1 w"]
        );
    }

    #[test]
    fn systemd_is_told_the_same() {
        let some = rules(json!([
            { "allow": false, "access": "rwm" },
            { "allow": true, "type": "b", "major": 8, "access": "r" },
        ]));
        let properties = some.properties();
        assert_eq!(properties[0].value, PropertyValue::Text("strict".into()));
        let PropertyValue::Devices(devices) = &properties[1].value else {
            panic!("{properties:?}");
        };
        let has = |name: &str, access: &str| devices.contains(&(name.to_owned(), access.to_owned()));
        assert!(
            has("block-8", "r") && has("/dev/char/1:3", "rwm") && has("char-136", "rwm"),
            "{devices:?}"
        );
        assert!(has("char-*", "m") && has("block-*", "m"), "{devices:?}");
        let all = rules(json!([{ "allow": true, "access": "rwm" }]));
        assert_eq!(all.properties()[0].value, PropertyValue::Text("auto".into()));
    }

    #[test]
    fn nonsense_is_refused() {
        for rule in [
            json!([{ "allow": true, "type": "c", "access": "x" }]),
            json!([{ "allow": true, "type": "c", "major": -2 }]),
            json!([{ "allow": true, "type": "p" }]),
        ] {
            let rules: Vec<LinuxDeviceCgroup> = serde_json::from_value(rule.clone()).unwrap();
            assert!(Rules::of(&rules).is_err(), "{rule}");
        }
    }
}
