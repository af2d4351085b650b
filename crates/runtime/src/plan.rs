//! Placeholder: the compiled container, plain data that a shim executes without knowing OCI types.

use serde::{Deserialize, Serialize};

/// A compiled container.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {}

/// A compiled further process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExecPlan {}
