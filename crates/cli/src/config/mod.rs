//! What the user has set: global options, Docker's client configuration, environment variables, the
//! engine's address.

mod endpoint;
mod file;
mod globals;
mod headers;
mod proxies;

pub(crate) use endpoint::{EndpointError, choose, context_name, default_context_address, host_variable};
pub(crate) use file::{ConfigFile, RewriteError, directory, parse, rewrite, rewrite_key};
pub(crate) use globals::{GLOBAL, Globals, certificates};
pub(crate) use headers::{HeadersError, headers};
pub(crate) use proxies::proxies;
