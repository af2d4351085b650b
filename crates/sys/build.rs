//! Says whether `src/start.rs` fits the C library that is linked in (its header tells why it must).

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(own_start)");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let is_static =
        std::env::var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|all| all.split(',').any(|f| f == "crt-static"));
    let is_known = is("CARGO_CFG_TARGET_ARCH", "x86_64") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if is_static && is_known && std::env::var("HOST").ok() == std::env::var("TARGET").ok() && is_glibc_2_36() {
        println!("cargo:rustc-cfg=own_start");
    }
}

fn is_glibc_2_36() -> bool {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"glibc 2.36")
}
