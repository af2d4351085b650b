//! Build script of every program: how a release is linked. Development builds keep what debuggers and
//! backtraces need.
//!
//! Unwinding tables go, a tenth of `cortend`: `force-unwind-tables=no` cannot do it, because std comes with its own
//! and makes the whole link keep them. Relocations are packed, a twentieth, where the C library can unpack
//! them at the start of a static program: glibc 2.36.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=../../packaging/link");
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        argument(concat!(
            "-T,",
            env!("CARGO_MANIFEST_DIR"),
            "/../../packaging/link/tables.ld"
        ));
        fixed();
        if glibc().is_some_and(|version| version >= (2, 36)) {
            argument("-z,pack-relative-relocs");
        }
    }
}

/// Programs that start for each command or container stand at a fixed address: no relocation at every start, and no
/// memory of their own for the tables it would write to. What listens on the network moves.
fn fixed() {
    let program = match env!("CARGO_PKG_NAME") {
        "corten-cli" => "corten",
        "corten-shim" => "corten-shim",
        "corten-runtime" => "corten-init",
        _ => return,
    };
    for argument in ["-no-pie", "-static"] {
        println!("cargo:rustc-link-arg-bin={program}={argument}");
    }
}

fn argument(argument: &str) {
    println!("cargo:rustc-link-arg-bins=-Wl,{argument}");
}

/// Version of the C library that is linked in; `None` where it is another one.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
