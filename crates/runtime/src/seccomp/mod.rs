//! System call filters: profiles, and their compilation to classic BPF.
//!
//! A profile comes as Docker's JSON, as an OCI specification's `linux.seccomp`, or is Docker's default,
//! which is a table here. All become one [`profile::Profile`], from which [`program`] makes a decision
//! tree over system call numbers for every architecture that the host can execute.

mod assembler;
mod default;
mod docker;
mod oci;
mod profile;
mod program;
#[cfg(test)]
mod simulator;
mod syscall;

use corten_sys::seccomp::Instruction;
use serde::{Deserialize, Serialize};

/// A filter ready to load.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// The program as hexadecimal digits, sixteen an instruction: code (4), jump if true (2), jump if false (2),
    /// operand (8).
    pub program: String,
    /// `SECCOMP_FILTER_FLAG_*` for the load.
    pub flags: u32,
}

/// What a Docker profile's conditions ask about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context {
    /// Capabilities in the process's bounding set, bit n for number n.
    pub capabilities: u64,
    /// Kernel version: major, minor.
    pub kernel: (u32, u32),
}

/// Why a profile has no program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// Not a profile.
    #[error("Decoding seccomp profile failed: {0}")]
    Syntax(#[from] serde_json::Error),
    /// A part of it is wrong or cannot be done.
    #[error("{0}")]
    Invalid(String),
    /// The kernel takes no program as long as this one, in instructions.
    #[error("the seccomp profile needs {0} instructions, the kernel takes 4096")]
    TooLong(usize),
}

/// An instruction set with its system call numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Architecture {
    X86_64,
    /// x86_64 with 32 bit pointers: the same audit number, a bit set in the system call's number.
    X32,
    /// i386.
    X86,
    Aarch64,
    Arm,
}

impl Architecture {
    #[cfg(target_arch = "x86_64")]
    const NATIVE: Self = Self::X86_64;
    #[cfg(target_arch = "aarch64")]
    const NATIVE: Self = Self::Aarch64;

    /// It and those that the same processor executes.
    fn with_compatible(self) -> Vec<Self> {
        match self {
            Self::X86_64 | Self::X32 | Self::X86 => vec![Self::X86_64, Self::X86, Self::X32],
            Self::Aarch64 | Self::Arm => vec![Self::Aarch64, Self::Arm],
        }
    }

    /// `None`: known, but none that this build makes filters for, or unknown.
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "SCMP_ARCH_NATIVE" => Some(Self::NATIVE),
            "SCMP_ARCH_X86_64" => Some(Self::X86_64),
            "SCMP_ARCH_X32" => Some(Self::X32),
            "SCMP_ARCH_X86" => Some(Self::X86),
            "SCMP_ARCH_AARCH64" => Some(Self::Aarch64),
            "SCMP_ARCH_ARM" => Some(Self::Arm),
            _ => None,
        }
    }

    /// Go's name, which Docker's profiles use in conditions.
    fn go_name(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::X32 => "x32",
            Self::X86 => "x86",
            Self::Aarch64 => "arm64",
            Self::Arm => "arm",
        }
    }

    /// `AUDIT_ARCH_*`, linux/audit.h.
    fn audit(self) -> u32 {
        match self {
            Self::X86_64 | Self::X32 => 0xc000_003e,
            Self::X86 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
            Self::Arm => 0x4000_0028,
        }
    }

    /// Arguments have 64 bits.
    fn is_wide(self) -> bool {
        match self {
            Self::X86_64 | Self::X32 | Self::Aarch64 => true,
            Self::X86 | Self::Arm => false,
        }
    }
}

impl Context {
    fn has(&self, capability: u32) -> bool {
        self.capabilities >> capability & 1 == 1
    }
}

/// Docker's default profile.
pub fn docker_default(context: &Context) -> Result<Filter, CompileError> {
    program::compile(&default::profile(context, Architecture::NATIVE))
}

/// A profile in Docker's JSON format (`docker run --security-opt seccomp=<file>`).
pub fn docker_profile(json: &str, context: &Context) -> Result<Filter, CompileError> {
    program::compile(&docker::parse(json, context, Architecture::NATIVE)?)
}

/// `linux.seccomp` of an OCI specification.
pub fn oci(section: &oci_spec::runtime::LinuxSeccomp) -> Result<Filter, CompileError> {
    program::compile(&oci::convert(section)?)
}

impl Filter {
    /// Adds the filter to the calling thread.
    pub(crate) fn load(&self) -> std::io::Result<()> {
        corten_sys::seccomp::load(&self.instructions()?, self.flags)
    }

    fn instructions(&self) -> std::io::Result<Vec<Instruction>> {
        let invalid = || std::io::Error::from(std::io::ErrorKind::InvalidData);
        let (words, []) = self.program.as_bytes().as_chunks::<16>() else {
            return Err(invalid());
        };
        words
            .iter()
            .map(|word| {
                let word = std::str::from_utf8(word)
                    .ok()
                    .and_then(|word| u64::from_str_radix(word, 16).ok());
                let word = word.ok_or_else(invalid)?;
                Ok(Instruction {
                    code: (word >> 48) as u16,
                    jump_true: (word >> 40) as u8,
                    jump_false: (word >> 32) as u8,
                    operand: word as u32,
                })
            })
            .collect()
    }

    fn from_instructions(instructions: &[Instruction], flags: u32) -> Self {
        let program = instructions
            .iter()
            .map(|one| {
                format!(
                    "{:04x}{:02x}{:02x}{:08x}",
                    one.code, one.jump_true, one.jump_false, one.operand
                )
            })
            .collect();
        Self { program, flags }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_survive_their_text() {
        let one = Instruction {
            code: 0x15,
            jump_true: 255,
            jump_false: 1,
            operand: 0xdead_beef,
        };
        let filter = Filter::from_instructions(&[one, one], 2);
        assert_eq!(filter.instructions().unwrap(), [one, one]);
        let broken = Filter {
            program: "123".into(),
            flags: 0,
        };
        assert!(broken.instructions().is_err());
    }
}
