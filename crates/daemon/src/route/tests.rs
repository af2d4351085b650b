//! Paths and the calls that they mean.

use super::*;

fn call(method: Method, path: &str) -> Option<Call> {
    match route(&method, path) {
        Target::Call(call, _) => Some(call),
        _ => None,
    }
}

#[test]
fn names_may_contain_slashes() {
    let inspect = |path| call(Method::GET, path);
    assert_eq!(inspect("/images/json"), Some(Call::ImageList));
    assert_eq!(
        inspect("/images/a/b/c:d/json"),
        Some(Call::ImageInspect("a/b/c:d".to_owned()))
    );
    assert_eq!(
        inspect("/images/reg%3A5000%2Fx/json"),
        Some(Call::ImageInspect("reg:5000/x".to_owned()))
    );
    assert_eq!(
        inspect("/images/json/json"),
        Some(Call::ImageInspect("json".to_owned()))
    );
    assert_eq!(
        inspect("/containers/a/json"),
        Some(Call::ContainerInspect("a".to_owned()))
    );
    assert_eq!(
        call(Method::DELETE, "/images/a/b"),
        Some(Call::ImageRemove("a/b".to_owned()))
    );
    assert_eq!(inspect("/networks/"), Some(Call::NetworkList));
}

#[test]
fn unknown_paths_and_wrong_methods_are_the_same() {
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/nope"),
        (Method::GET, "/v1.51"),
        (Method::GET, "/v1.51/"),
        (Method::GET, "/containers/json/"),
        (Method::GET, "/containers/create"),
        (Method::POST, "/containers/json"),
        (Method::DELETE, "/_ping"),
        (Method::DELETE, "/containers"),
        (Method::HEAD, "/version"),
        (Method::PATCH, "/version"),
        (Method::GET, "/vx/version"),
        (Method::GET, "/containers/%zz/json"),
        (Method::POST, "/containers/a/attach/ws"),
    ] {
        assert_eq!(route(&method, path), Target::Missing, "{method} {path}");
    }
    assert_eq!(call(Method::OPTIONS, "/anything"), Some(Call::Options));
}

#[test]
fn every_call_exists_with_and_without_version() {
    assert_eq!(route(&Method::GET, "/_ping"), Target::Call(Call::Ping, version::MAX));
    assert_eq!(
        route(&Method::HEAD, "/v1.24/_ping"),
        Target::Call(Call::Ping, ApiVersion::new(1, 24))
    );
    assert!(matches!(
        route(&Method::GET, "/v1.99/_ping"),
        Target::Version(VersionError::TooNew(_))
    ));
    assert!(matches!(
        route(&Method::GET, "/v1.10/_ping"),
        Target::Version(VersionError::TooOld(_))
    ));
    assert_eq!(route(&Method::GET, "/v1.99/nope"), Target::Missing);
}

#[test]
fn odd_paths_are_redirected() {
    for (path, clean) in [
        ("//containers/json", "/containers/json"),
        ("/containers//json", "/containers/json"),
        ("/containers/../_ping", "/_ping"),
        ("/a/./b/", "/a/b/"),
        ("/../..", "/"),
    ] {
        assert_eq!(route(&Method::GET, path), Target::Redirect(clean.to_owned()), "{path}");
    }
}

#[test]
fn own_calls_are_apart_from_dockers() {
    let data = || "data".to_owned();
    for (method, path, meant) in [
        (Method::HEAD, "/corten/volumes/data/archive", Call::VolumeStat(data())),
        (
            Method::GET,
            "/v1.51/corten/volumes/data/archive",
            Call::VolumeRead(data()),
        ),
        (Method::PUT, "/corten/volumes/data/archive", Call::VolumeWrite(data())),
        (Method::GET, "/corten/volumes/data/export", Call::VolumeExport(data())),
        (Method::POST, "/corten/volumes/data/import", Call::VolumeImport(data())),
        (Method::POST, "/corten/volumes/data/clone", Call::VolumeClone(data())),
        (
            Method::GET,
            "/volumes/data/export",
            Call::VolumeInspect("data/export".to_owned()),
        ),
    ] {
        assert_eq!(call(method, path), Some(meant), "{path}");
    }
    assert_eq!(call(Method::POST, "/volumes/data/clone"), None);
}

#[test]
fn what_is_not_built_has_its_name() {
    assert_eq!(call(Method::POST, "/build"), Some(Call::NotBuilt("ImageBuild")));
    assert_eq!(
        call(Method::GET, "/containers/a/export"),
        Some(Call::ContainerExport("a".to_owned()))
    );
    assert_eq!(call(Method::GET, "/services"), Some(Call::Swarm));
    assert_eq!(call(Method::POST, "/services/a/update"), Some(Call::Swarm));
}
