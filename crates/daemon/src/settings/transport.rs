//! Where to listen and with which certificates: `hosts`, `tls*`.

use std::path::PathBuf;

use anyhow::Result;

use super::values::Values;
use super::{Personality, is_set, last, list};
use crate::listen::{Address, TlsFiles};

/// The sockets of a daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transport {
    /// Where to listen.
    pub hosts: Vec<Address>,
    /// Where to listen too if nobody else does.
    pub spare_host: Option<PathBuf>,
    /// Group of unix sockets: a name or a number.
    pub group: Option<String>,
    /// The certificates of TCP sockets; none: they are not encrypted.
    pub tls: Option<TlsFiles>,
    /// Somebody has said in so many words that no client is to be verified.
    pub is_open_on_purpose: bool,
}

/// Reads the sockets; `run` is the directory of the engine's own files.
pub(super) fn transport(personality: Personality, values: &Values, run: &std::path::Path) -> Result<Transport> {
    let tls = tls(values);
    let mut hosts = Vec::new();
    for host in list(values, "host") {
        hosts.push(match host.trim() {
            "" => usual(personality, run),
            host => Address::parse(host, tls.is_some())?,
        });
    }
    let elsewhere = last(values, "exec-root").is_some() || last(values, "data-root").is_some();
    let mut spare_host = None;
    if hosts.is_empty() {
        hosts.push(usual(personality, run));
        if personality == Personality::Corten && !elsewhere && rustix::process::geteuid().is_root() {
            spare_host = Some("/run/docker.sock".into());
        }
    }
    Ok(Transport {
        hosts,
        spare_host,
        group: last(values, "group").map(str::to_owned),
        tls,
        is_open_on_purpose: values.contains_key("tls") || values.contains_key("tlsverify"),
    })
}

fn usual(personality: Personality, run: &std::path::Path) -> Address {
    Address::Unix(match personality {
        Personality::Corten => run.join("corten.sock"),
        Personality::Docker => "/run/docker.sock".into(),
    })
}

/// Whoever mentions `tlsverify` at all, even to switch it off, wants TLS (as dockerd has it).
fn tls(values: &Values) -> Option<TlsFiles> {
    if !is_set(values, "tls") && !values.contains_key("tlsverify") {
        return None;
    }
    let file = |flag, name| last(values, flag).map_or_else(|| directory().join(name), PathBuf::from);
    let verifies = last(values, "tlsverify").is_none_or(|value| value == "true");
    Some(TlsFiles {
        certificate: file("tlscert", "cert.pem"),
        key: file("tlskey", "key.pem"),
        authority: verifies.then(|| file("tlscacert", "ca.pem")),
    })
}

/// Where certificates lie that nobody names.
fn directory() -> PathBuf {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("DOCKER_CERT_PATH")
        .or_else(|| set("DOCKER_CONFIG"))
        .unwrap_or_else(|| set("HOME").unwrap_or_else(|| "/root".into()).join(".docker"))
}
