//! System call filters: profiles, and their compilation to classic BPF.

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
