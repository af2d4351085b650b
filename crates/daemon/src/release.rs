//! Who we say we are: our version, and Docker's in front of it so that clients' checks pass.

/// Our own version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The reference's version and ours, as `/version` and `/info` announce it.
pub const ANNOUNCED: &str = concat!("28.5.2+corten.", env!("CARGO_PKG_VERSION"));

/// The `Server` header.
pub const SERVER_HEADER: &str = concat!("Docker/28.5.2+corten.", env!("CARGO_PKG_VERSION"), " (linux)");

/// The commit this was built from, where the build says so.
pub const COMMIT: &str = known(option_env!("CORTEN_COMMIT"));

/// When that commit was made, by RFC 3339, where the build says so.
pub const BUILT: &str = known(option_env!("CORTEN_BUILT"));

const fn known(said: Option<&'static str>) -> &'static str {
    match said {
        Some(text) if !text.is_empty() => text,
        Some(_) | None => "unknown",
    }
}

/// What stands where Docker names its compiler.
pub const LANGUAGE: &str = concat!("rust", env!("CARGO_PKG_RUST_VERSION"));
