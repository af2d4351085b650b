//! Runs hooks with the container's state on their standard input.

use crate::create::CreateError;
use crate::plan::Plan;

/// Runs the `poststop` hooks, all of them even if one fails; the first failure is returned.
pub fn poststop(_plan: &Plan) -> Result<(), CreateError> {
    unimplemented!()
}
