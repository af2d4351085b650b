//! The engine itself: version and info.

use corten_api::system::{ComponentVersion, PlatformVersion, SystemVersion};
use corten_api::version;
use corten_api::{List, Map};
use http::Response;

use super::Api;
use crate::http::{Answer, Body, answer};
use crate::release;

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
        build_time: String::new(),
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
pub(super) async fn info(api: &Api) -> Answer {
    let mut info = api.engine.info().await?;
    info.debug = api.debug;
    Ok(answer::json(&info))
}
