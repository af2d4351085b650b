//! System call filters: profiles, and their compilation to classic BPF.

use corten_sys::seccomp::Instruction;
use serde::{Deserialize, Serialize};

/// A filter ready to load.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// The program as hexadecimal, eight bytes an instruction: `code jt jf k`, code and k big endian.
    pub program: String,
    /// `SECCOMP_FILTER_FLAG_*` for the load.
    pub flags: u32,
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

    /// From instructions.
    pub(crate) fn from_instructions(instructions: &[Instruction], flags: u32) -> Self {
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

/// What a Docker profile's conditions ask about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context {
    /// Capabilities of the process, bit n for number n.
    pub capabilities: u64,
    /// Kernel version: major, minor.
    pub kernel: (u32, u32),
}

/// Why a profile has no program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// Not a profile.
    #[error("decoding seccomp profile failed: {0}")]
    Syntax(#[from] serde_json::Error),
}

/// Docker's default profile.
pub fn docker_default(_context: &Context) -> Result<Filter, CompileError> {
    // Until the compiler is there: allow everything.
    Ok(Filter::from_instructions(
        &[Instruction {
            code: 6,
            jump_true: 0,
            jump_false: 0,
            operand: 0x7fff_0000,
        }],
        0,
    ))
}

/// A profile in Docker's JSON format.
pub fn docker_profile(_json: &str, _context: &Context) -> Result<Filter, CompileError> {
    unimplemented!()
}

/// `linux.seccomp` of an OCI specification.
pub fn oci(_section: &oci_spec::runtime::LinuxSeccomp) -> Result<Filter, CompileError> {
    unimplemented!()
}
