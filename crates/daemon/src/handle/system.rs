//! The engine itself: version and info.

use corten_api::system::{ComponentVersion, IndexInfo, PlatformVersion, RegistryConfig, SystemVersion};
use corten_api::version::{self, ApiVersion};
use corten_api::{List, Map};
use http::Response;

use super::{Api, compat};
use crate::http::{Answer, Body, answer};
use crate::listen::Address;
use crate::release;
use crate::settings::Transport;

/// `GET /version`
pub(super) fn version() -> Response<Body> {
    let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let engine = SystemVersion {
        platform: PlatformVersion {
            name: format!("Corten {}", release::VERSION),
        },
        components: List::null(),
        version: release::ANNOUNCED.to_owned(),
        api_version: version::MAX.to_string(),
        min_api_version: version::MIN.to_string(),
        git_commit: release::COMMIT.to_owned(),
        go_version: release::LANGUAGE.to_owned(),
        os: "linux".to_owned(),
        arch: arch.to_owned(),
        kernel_version: kernel,
        experimental: false,
        build_time: release::BUILT.to_owned(),
    };
    let components = components(&engine);
    answer::json(&SystemVersion { components, ..engine })
}

/// The first component repeats the engine's own fields: newer clients print only those.
fn components(engine: &SystemVersion) -> List<ComponentVersion> {
    let details: Map<String> = [
        ("ApiVersion", engine.api_version.as_str()),
        ("Arch", &engine.arch),
        ("BuildTime", &engine.build_time),
        ("Experimental", "false"),
        ("GitCommit", &engine.git_commit),
        ("GoVersion", &engine.go_version),
        ("KernelVersion", &engine.kernel_version),
        ("MinAPIVersion", &engine.min_api_version),
        ("Os", &engine.os),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    let own = |name: &str| ComponentVersion {
        name: name.to_owned(),
        version: release::VERSION.to_owned(),
        details: [("GitCommit".to_owned(), engine.git_commit.clone())]
            .into_iter()
            .collect(),
    };
    let engine = ComponentVersion {
        name: "Engine".to_owned(),
        version: engine.version.clone(),
        details,
    };
    List::from(vec![
        engine,
        own("corten-shim"),
        own("corten-runtime"),
        own("corten-init"),
    ])
}

/// `GET /info`
pub(super) async fn info(api: &Api, version: ApiVersion) -> Answer {
    let mut info = api.engine.info().await?;
    let live = api.current.live();
    let proxies = api.current.proxies().shown();
    info.debug = live.debug();
    info.experimental_build = api.current.is_experimental();
    (info.http_proxy, info.https_proxy, info.no_proxy) = (proxies.http, proxies.https, proxies.none);
    info.registry_config = registries(live.mirrors(), live.insecure_registries());
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    // Tasks, and clients who wait for a container's start without one.
    info.n_goroutines = info
        .n_goroutines
        .saturating_add(i64::try_from(tasks).unwrap_or(i64::MAX));
    let mut warnings = open_sockets(api.current.transport());
    warnings.extend(info.warnings.iter().cloned());
    if !warnings.is_empty() {
        info.warnings = warnings.into();
    }
    if version < ApiVersion::new(1, 50) {
        return Ok(answer::json(&compat::info(&info, version)));
    }
    Ok(answer::json(&info))
}

/// What is dangerous about the sockets; texts observed, dockerd 28.5.
fn open_sockets(transport: &Transport) -> Vec<String> {
    let lacks = match &transport.tls {
        None => ("http", "encryption"),
        Some(tls) if tls.authority.is_none() => ("https", "TLS client verification"),
        Some(_) => return Vec::new(),
    };
    let warning = |host: &Address| match host {
        Address::Tcp(address) => Some(format!(
            "[DEPRECATION NOTICE]: API is accessible on {}://{address} without {}.\n         \
             Access to the remote API is equivalent to root access on the host. Refer\n         \
             to the 'Docker daemon attack surface' section in the documentation for\n         \
             more information: https://docs.docker.com/go/attack-surface/\n\
             In future versions this will be a hard failure preventing the daemon from starting! Learn more at: \
             https://docs.docker.com/go/api-security/",
            lacks.0, lacks.1
        )),
        Address::Unix(_) | Address::Passed(_) => None,
    };
    transport.hosts.iter().filter_map(warning).collect()
}

/// Docker Hub with its mirrors, those that need no TLS, and those on this machine, which never do.
fn registries(mirrors: &[String], insecure: &[String]) -> RegistryConfig {
    let mirrors: Vec<String> = mirrors
        .iter()
        .map(|mirror| format!("{}/", mirror.trim_end_matches('/')))
        .collect();
    let (subnets, names): (Vec<&String>, Vec<&String>) = insecure.iter().partition(|entry| is_subnet(entry));
    let index = |name: &str, mirrors: Vec<String>, official, secure| {
        let info = IndexInfo {
            mirrors: mirrors.into(),
            name: name.to_owned(),
            official,
            secure,
        };
        (name.to_owned(), info)
    };
    let others = names.into_iter().map(|name| index(name, Vec::new(), false, false));
    let local = ["::1/128", "127.0.0.0/8"].map(str::to_owned);
    RegistryConfig {
        index_configs: others
            .chain([index("docker.io", mirrors.clone(), true, true)])
            .collect(),
        insecure_registry_cidrs: subnets.into_iter().cloned().chain(local).collect(),
        mirrors: if mirrors.is_empty() {
            List::null()
        } else {
            mirrors.into()
        },
    }
}

fn is_subnet(entry: &str) -> bool {
    entry.split_once('/').is_some_and(|(address, length)| {
        address.parse::<std::net::IpAddr>().is_ok() && length.parse::<u8>().is_ok_and(|length| length <= 128)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::TlsFiles;

    #[test]
    fn registries_are_told_as_docker_tells_them() {
        let given = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let found = registries(&given(&["https://m.example"]), &given(&["foo:5", "10.0.0.0/8"]));
        assert_eq!(found.mirrors, List::from(given(&["https://m.example/"])));
        assert_eq!(
            found.insecure_registry_cidrs,
            List::from(given(&["10.0.0.0/8", "::1/128", "127.0.0.0/8"]))
        );
        assert!(!found.index_configs["foo:5"].secure && found.index_configs["docker.io"].secure);
        assert!(registries(&[], &[]).mirrors.is_null());
    }

    #[test]
    fn open_sockets_are_told() {
        let mut transport = Transport {
            hosts: vec![Address::Unix("/x".into()), Address::Tcp("127.0.0.1:2375".to_owned())],
            spare_host: None,
            group: None,
            tls: None,
            is_open_on_purpose: true,
        };
        let warnings = open_sockets(&transport);
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0].starts_with(
                "[DEPRECATION NOTICE]: API is accessible on http://127.0.0.1:2375 without encryption.\n         Access"
            ),
            "{warnings:?}"
        );
        transport.tls = Some(TlsFiles {
            certificate: "/c".into(),
            key: "/k".into(),
            authority: Some("/a".into()),
        });
        assert!(open_sockets(&transport).is_empty());
    }
}
