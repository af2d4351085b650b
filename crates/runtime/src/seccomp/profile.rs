//! A profile as the compiler takes it, whatever format it came in.

use super::{Architecture, CompileError};

/// What may be called.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Profile {
    /// For everything that no rule names.
    pub(super) default: Action,
    /// Calls by other architectures end the process.
    pub(super) architectures: Vec<Architecture>,
    pub(super) rules: Vec<Rule>,
    /// `SECCOMP_FILTER_FLAG_*`.
    pub(super) flags: u32,
}

/// What happens to one system call under conditions that all must hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) action: Action,
    pub(super) conditions: Vec<Condition>,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    KillProcess,
    KillThread,
    Trap,
    Errno(u16),
    Trace(u16),
    Log,
    Allow,
}

/// A comparison of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Condition {
    /// 0 to 5.
    pub(super) argument: u8,
    pub(super) comparison: Comparison,
    pub(super) value: u64,
}

/// How the argument must relate to the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    NotEqual,
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
    /// Those bits of it equal the value.
    MaskedEqual {
        mask: u64,
    },
}

const EPERM: u16 = 1;

impl Action {
    /// By the name that libseccomp gave it; `errno` is what ERRNO and TRACE return, EPERM if not given.
    pub(super) fn from_name(name: &str, errno: Option<u32>) -> Result<Self, CompileError> {
        let errno = match errno {
            None => EPERM,
            Some(errno) => u16::try_from(errno)
                .ok()
                .filter(|&errno| errno <= 4095)
                .ok_or_else(|| CompileError::Invalid(format!("errnoRet {errno} is out of range")))?,
        };
        Ok(match name {
            "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Self::KillThread,
            "SCMP_ACT_KILL_PROCESS" => Self::KillProcess,
            "SCMP_ACT_TRAP" => Self::Trap,
            "SCMP_ACT_ERRNO" => Self::Errno(errno),
            "SCMP_ACT_TRACE" => Self::Trace(errno),
            "SCMP_ACT_LOG" => Self::Log,
            "SCMP_ACT_ALLOW" => Self::Allow,
            "SCMP_ACT_NOTIFY" => {
                return Err(CompileError::Invalid(
                    "seccomp action SCMP_ACT_NOTIFY is not supported".into(),
                ));
            }
            other => return Err(CompileError::Invalid(format!("invalid seccomp action {other:?}"))),
        })
    }

    /// `SECCOMP_RET_*`.
    pub(super) fn value(self) -> u32 {
        match self {
            Self::KillProcess => 0x8000_0000,
            Self::KillThread => 0,
            Self::Trap => 0x0003_0000,
            Self::Errno(errno) => 0x0005_0000 | u32::from(errno),
            Self::Trace(message) => 0x7ff0_0000 | u32::from(message),
            Self::Log => 0x7ffc_0000,
            Self::Allow => 0x7fff_0000,
        }
    }
}

impl Condition {
    /// From the fields that Docker's and OCI's formats share.
    pub(super) fn new(argument: usize, operator: &str, value: u64, second: u64) -> Result<Self, CompileError> {
        let argument = u8::try_from(argument).ok().filter(|&argument| argument < 6);
        let argument =
            argument.ok_or_else(|| CompileError::Invalid("seccomp arguments have indices 0 to 5".to_owned()))?;
        let (comparison, value) = match operator {
            "SCMP_CMP_NE" => (Comparison::NotEqual, value),
            "SCMP_CMP_LT" => (Comparison::Less, value),
            "SCMP_CMP_LE" => (Comparison::LessOrEqual, value),
            "SCMP_CMP_EQ" => (Comparison::Equal, value),
            "SCMP_CMP_GE" => (Comparison::GreaterOrEqual, value),
            "SCMP_CMP_GT" => (Comparison::Greater, value),
            // The mask comes first, the value it is compared with second.
            "SCMP_CMP_MASKED_EQ" => (Comparison::MaskedEqual { mask: value }, second),
            other => return Err(CompileError::Invalid(format!("invalid seccomp operator {other:?}"))),
        };
        Ok(Self {
            argument,
            comparison,
            value,
        })
    }
}

/// Rules for `name`. Conditions on different arguments must all hold; if two are on the same
/// argument, each stands for itself (observed: runc).
pub(super) fn rules(name: &str, action: Action, conditions: &[Condition]) -> Vec<Rule> {
    let rule = |conditions: Vec<Condition>| Rule {
        name: name.to_owned(),
        action,
        conditions,
    };
    let twice = |condition: &Condition| {
        conditions
            .iter()
            .filter(|other| other.argument == condition.argument)
            .count()
            > 1
    };
    if conditions.iter().any(twice) {
        return conditions.iter().map(|&condition| rule(vec![condition])).collect();
    }
    vec![rule(conditions.to_vec())]
}

/// `SECCOMP_FILTER_FLAG_*` by name.
pub(super) fn flag(name: &str) -> Result<u32, CompileError> {
    match name {
        // Filters of one thread need no synchronisation.
        "SECCOMP_FILTER_FLAG_TSYNC" => Ok(0),
        "SECCOMP_FILTER_FLAG_LOG" => Ok(1 << 1),
        "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => Ok(1 << 2),
        other => Err(CompileError::Invalid(format!(
            "seccomp flag {other:?} is not supported"
        ))),
    }
}
