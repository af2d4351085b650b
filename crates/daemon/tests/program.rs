//! The program's command line: what it says without starting anything.

use std::process::{Command, Output};

fn cortend(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cortend"))
        .args(arguments)
        .output()
        .expect("a step of the test works")
}

fn refusal(arguments: &[&str]) -> String {
    let output = cortend(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).expect("a step of the test works")
}

#[test]
fn it_tells_its_version_and_its_flags() {
    let version = cortend(&["--version"]);
    assert!(
        String::from_utf8(version.stdout)
            .expect("a step of the test works")
            .starts_with("Corten version ")
    );
    let help = String::from_utf8(cortend(&["--help"]).stdout).expect("a step of the test works");
    assert!(help.contains("-H, --host") && help.contains("--userns-remap"));
}

#[test]
fn who_reads_only_the_first_lines_is_no_failure() {
    use std::os::fd::OwnedFd;
    let (reader, writer) = std::io::pipe().expect("a step of the test works");
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_cortend"))
        .arg("--help")
        .stdout(OwnedFd::from(writer))
        .output()
        .expect("a step of the test works");
    assert_eq!(
        (output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()),
        (Some(0), "")
    );
}

#[test]
fn an_ordinary_user_is_told_and_nothing_is_left() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    if !rustix::process::geteuid().is_root() {
        println!("skip: needs root to become another user");
        return;
    }
    let directory = tempfile::tempdir().expect("a step of the test works");
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(directory.path(), open).expect("a step of the test works");
    // The build directory may be closed to others.
    let copy = directory.path().join("cortend");
    std::fs::copy(env!("CARGO_BIN_EXE_cortend"), &copy).expect("a step of the test works");
    let output = Command::new(&copy)
        .args([
            "--data-root",
            "data",
            "--exec-root",
            "run",
            "-H",
            "unix:///nowhere/c.sock",
        ])
        .current_dir(directory.path())
        .uid(65534)
        .gid(65534)
        .output()
        .expect("a step of the test works");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "cortend needs to be started with root privileges\n"
    );
    assert_eq!(
        std::fs::read_dir(directory.path())
            .expect("a step of the test works")
            .count(),
        1
    );
}

#[test]
fn it_validates_its_configuration() {
    let directory = tempfile::tempdir().expect("a step of the test works");
    let file = directory.path().join("daemon.json");
    let path = file.to_str().expect("a step of the test works");
    std::fs::write(&file, r#"{"debug":true,"bip":"10.9.0.1/24"}"#).expect("a step of the test works");
    let output = cortend(&["--validate", "--config-file", path]);
    assert_eq!(
        String::from_utf8(output.stdout).expect("a step of the test works"),
        "configuration OK\n"
    );
    let twice = refusal(&["--validate", "--config-file", path, "-D"]);
    assert!(twice.contains("debug: (from flag: true, from file: true)"), "{twice}");
    std::fs::write(&file, r#"{"unknown-key":1}"#).expect("a step of the test works");
    let unknown = refusal(&["--validate", "--config-file", path]);
    let want = format!("unable to configure the Docker daemon with file {path}: the following directives don't match");
    assert!(unknown.contains(&want), "{unknown}");
}

#[test]
fn it_refuses_by_name_what_is_not_built() {
    assert!(refusal(&["--no-such-flag"]).contains("unknown flag: --no-such-flag"));
    // A plugin that is to refuse requests must not be left out silently.
    let plugin = refusal(&["--authorization-plugin", "x"]);
    assert!(
        plugin.contains("--authorization-plugin is not implemented yet"),
        "{plugin}"
    );
}

/// In a `/run` of its own, which nobody has told of systemd.
#[test]
fn without_systemd_its_driver_is_refused_with_what_to_do() {
    if !std::path::Path::new("/proc/1/root/").exists() || std::fs::read("/proc/1/environ").is_err() {
        eprintln!("skip: needs root");
        return;
    }
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", "mount -t tmpfs run /run && exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_cortend"))
        .args(
            "--config-file /dev/null --data-root /run/d --exec-root /run/e --pidfile /run/p -H unix:///run/s"
                .split(' '),
        )
        .args("--bridge none --exec-opt native.cgroupdriver=systemd".split(' '))
        .output()
        .expect("a step of the test works");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [
        "systemd not running on this host",
        "--exec-opt native.cgroupdriver=cgroupfs",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn under_docker_s_name_it_takes_what_docker_s_test_suites_pass() {
    let directory = tempfile::tempdir().expect("a step of the test works");
    let dockerd = directory.path().join("dockerd");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_cortend"), &dockerd).expect("a step of the test works");
    let line = "--validate --config-file /dev/null --data-root /a --exec-root /b --pidfile /c --userland-proxy=true \
                --containerd-namespace d --containerd-plugins-namespace dp --containerd /run/c.sock --host unix:///e \
                --debug --storage-driver overlay2 --iptables=false --ip6tables=false --ipv6 --bip6 2001:db8::1/64 \
                --fixed-cidr-v6 2001:db8::/64 --experimental --live-restore --default-ipc-mode=shareable \
                --default-cgroupns-mode=private --cdi-spec-dir /x --swarm-default-advertise-addr lo \
                --http-proxy http://u:p@h --no-proxy a --insecure-registry r:5 --registry-mirror https://m \
                --default-network-opt bridge=a=b --metrics-addr 127.0.0.1:0 --authorization-plugin= --userns-remap=";
    let output = Command::new(&dockerd)
        .args(line.split_whitespace())
        .output()
        .expect("a step of the test works");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "configuration OK\n", "{said}");
}

#[test]
fn it_validates_certificates_too() {
    let refused = refusal(&[
        "--validate",
        "--config-file",
        "/dev/null",
        "--tlsverify",
        "--tlscert",
        "/nope",
        "--tlskey",
        "/none",
    ]);
    assert_eq!(
        refused,
        "invalid TLS configuration: Could not load X509 key pair (cert: \"/nope\", key: \"/none\"): open /nope: no such \
         file or directory\n"
    );
    let missing = refusal(&["--validate", "--config-file", "/nope.json"]);
    assert_eq!(
        missing,
        "unable to configure the Docker daemon with file /nope.json: open /nope.json: no such file or directory\n"
    );
}
