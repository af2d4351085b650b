//! `tcp://`, with TLS and without.

use anyhow::{Context as _, Result, ensure};
use corten_testkit::sandbox::INSIDE4;
use corten_testkit::{Daemon, Outcome, programs};
use rcgen::ExtendedKeyUsagePurpose;

use super::certificates::Authority;
use super::{can_run, daemon, docker_py, exercise, text};

/// A daemon with TLS on port 2376 and its authority; `evil` is an authority that nobody knows.
fn secured() -> Result<(Daemon, Authority, Authority)> {
    let (mut authority, mut evil) = (None, None);
    let daemon = daemon(|sandbox| {
        let ours = authority.insert(Authority::new(&sandbox.scratch().join("pki"))?);
        evil.insert(Authority::new(&sandbox.scratch().join("evil"))?)
            .client("evil")?;
        ours.client("client")?;
        ours.sign("expired", ExtendedKeyUsagePurpose::ClientAuth, 2021)?;
        let mut flags = ours.daemon_flags()?;
        flags.extend(["--host".to_owned(), "tcp://0.0.0.0:2376".to_owned()]);
        Ok(flags)
    })?;
    Ok((daemon, authority.context("an authority")?, evil.context("another")?))
}

/// Runs a client with `-H address` and these flags in front.
fn client(
    daemon: &Daemon,
    program: &str,
    address: &str,
    flags: &[String],
    words: &[&str],
    input: &[u8],
) -> Result<Outcome> {
    let mut all = vec!["-H", address];
    all.extend(flags.iter().map(String::as_str));
    all.extend(words);
    let mut command = match program {
        "docker" => daemon.docker_command(&all),
        _ => daemon.corten_command(&all)?,
    };
    command.env_remove("DOCKER_HOST");
    Outcome::with_input(&mut command, input)
}

fn with_verification(flags: Vec<String>) -> Vec<String> {
    let mut all = vec!["--tlsverify".to_owned()];
    all.extend(flags);
    all
}

#[test]
fn tls_carries_everything() -> Result<()> {
    if !can_run("tls_carries_everything")? {
        return Ok(());
    }
    let (daemon, authority, _) = secured()?;
    let flags = with_verification(authority.flags("ca", "client")?);
    for program in ["docker", "corten"] {
        exercise(|words, input| client(&daemon, program, "tcp://127.0.0.1:2376", &flags, words, input))
            .with_context(|| format!("with {program}"))?;
    }
    // With certificates, whoever the engine says it is.
    let mut trusting = vec!["--tls".to_owned()];
    trusting.extend(authority.flags("ca", "client")?);
    for program in ["docker", "corten"] {
        let told = client(
            &daemon,
            program,
            "tcp://127.0.0.1:2376",
            &trusting,
            &["images", "-q"],
            b"",
        )?;
        ensure!(!told.success()?.text().is_empty(), "{program} --tls");
    }
    // The port is named by nobody; another machine.
    let corten = programs::find("corten")?;
    let mut outside = daemon.sandbox.outside(corten);
    outside
        .args(["-H", &format!("tcp://{INSIDE4}")])
        .args(&flags)
        .args(["images", "-q"]);
    ensure!(!Outcome::of(&mut outside)?.success()?.text().is_empty());
    let path = |name: &str| text(&authority.path(name));
    let material = [path("ca")?, path("client")?, path("client-key")?];
    let [ca, certificate, key] = &material;
    docker_py(&daemon.sandbox, &["tcp://127.0.0.1:2376", ca, certificate, key])?;
    docker_py(&daemon.sandbox, &[&format!("unix://{}", daemon.socket())])?;
    daemon.leaves_nothing()
}

#[test]
fn tls_lets_nobody_else_in() -> Result<()> {
    if !can_run("tls_lets_nobody_else_in")? {
        return Ok(());
    }
    let (daemon, authority, evil) = secured()?;
    let ca = vec!["--tlscacert".to_owned(), text(&authority.path("ca"))?];
    let mut stranger = evil.flags("ca", "evil")?;
    stranger[1] = text(&authority.path("ca"))?;
    let mut distrust = authority.flags("ca", "client")?;
    distrust[1] = text(&evil.path("ca"))?;
    let required = "remote error: tls: certificate required";
    let unknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    let plain = "Error response from daemon: Client sent an HTTP request to an HTTPS server.";
    // docker does not even show a certificate that the engine's authority has not signed.
    let cases: [(&str, Vec<String>, &str, &str); 5] = [
        ("no certificate", with_verification(ca), required, required),
        (
            "a stranger's certificate",
            with_verification(stranger),
            required,
            "remote error: tls: unknown certificate authority",
        ),
        (
            "an expired certificate",
            with_verification(authority.flags("ca", "expired")?),
            "remote error: tls: ",
            "remote error: tls: expired certificate",
        ),
        (
            "an engine that is not trusted",
            with_verification(distrust),
            unknown,
            unknown,
        ),
        ("plain text", Vec::new(), plain, plain),
    ];
    for (what, flags, docker, corten) in &cases {
        for (program, message) in [("docker", docker), ("corten", corten)] {
            let refused = client(&daemon, program, "tcp://127.0.0.1:2376", flags, &["ps"], b"")?;
            refused
                .code_is(1)
                .and_then(|said| said.mentions(message))
                .with_context(|| format!("{what}, {program}"))?;
        }
    }
    let hinted = client(&daemon, "corten", "tcp://127.0.0.1:2376", &cases[0].1, &["ps"], b"")?;
    hinted.mentions("hint: the engine wants a client certificate")?;
    daemon.docker(&["ps"])?.success()?;
    daemon.leaves_nothing()
}

#[test]
fn plain_tcp_works_and_is_warned_of() -> Result<()> {
    if !can_run("plain_tcp_works_and_is_warned_of")? {
        return Ok(());
    }
    let address = "tcp://127.0.0.1:2375";
    let mut authority = None;
    let daemon = daemon(|sandbox| {
        authority
            .insert(Authority::new(&sandbox.scratch().join("pki"))?)
            .client("client")?;
        Ok(vec!["--host".to_owned(), address.to_owned(), "--tls=false".to_owned()])
    })?;
    for program in ["docker", "corten"] {
        exercise(|words, input| client(&daemon, program, address, &[], words, input))
            .with_context(|| format!("with {program}"))?;
    }
    docker_py(&daemon.sandbox, &[address])?;
    let log = daemon.log_tail();
    let warning = "Binding to IP address without --tlsverify is insecure and gives root access";
    ensure!(log.contains(warning), "{log}");
    let info = daemon.docker(&["info", "--format", "{{json .Warnings}}"])?.success()?;
    info.mentions("API is accessible on http://127.0.0.1:2375 without encryption.")?;
    let mut flags = vec!["--tls".to_owned()];
    flags.extend(authority.context("an authority")?.flags("ca", "client")?);
    let tls = client(&daemon, "corten", address, &flags, &["ps"], b"")?.code_is(1)?;
    tls.mentions("http: server gave HTTP response to HTTPS client")?;
    daemon.leaves_nothing()
}

#[test]
fn browsers_are_told_nothing_more_than_by_docker() -> Result<()> {
    if !can_run("browsers_are_told_nothing_more_than_by_docker")? {
        return Ok(());
    }
    let daemon = daemon(|_| {
        let arguments = ["--host", "tcp://127.0.0.1:2375", "--tls=false"];
        Ok(arguments.map(str::to_owned).into())
    })?;
    // As a page of another origin would ask before it sends a request of its own.
    let asked = daemon.sandbox.script(
        "curl -si --max-time 20 -X OPTIONS -H 'Origin: http://evil.example' -H 'Host: evil.example' \
         -H 'Access-Control-Request-Method: POST' http://127.0.0.1:2375/containers/create \
         -H 'Sec-Fetch-Mode: cors' --next -si http://127.0.0.1:2375/_ping -H 'Origin: http://evil.example'",
    )?;
    let text = asked.success()?.text().to_ascii_lowercase();
    ensure!(text.matches("200 ok").count() == 2, "{text}");
    ensure!(
        !text.contains("access-control-"),
        "a page of another origin may read answers: {text}"
    );
    daemon.leaves_nothing()
}
