//! Answers observed from dockerd 28.5.2 (overlay2, one busybox container of our own) are read and
//! written back byte by byte: names, order, `null` against `[]` against nothing, times.

use corten_api::container::{ContainerInspect, ContainerSummary};
use corten_api::event::EventMessage;
use corten_api::exec::ExecInspect;
use corten_api::image::{ImageHistoryItem, ImageInspect, ImageSummary};
use corten_api::json;
use corten_api::network::Network;
use corten_api::system::{SystemInfo, SystemVersion};
use corten_api::volume::VolumeList;

macro_rules! golden {
    ($($name:ident: $type:ty = $file:literal;)*) => {
        $(#[test]
        fn $name() {
            let observed = include_str!(concat!("golden/", $file, ".json"));
            let value: $type = json::decode(observed.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(json::encode(&value)).unwrap(), observed);
        })*
    };
}

golden! {
    container_inspect: ContainerInspect = "container-inspect";
    container_list: Vec<ContainerSummary> = "container-list";
    exec_inspect: ExecInspect = "exec-inspect";
    image_inspect: ImageInspect = "image-inspect";
    image_list: Vec<ImageSummary> = "image-list";
    image_history: Vec<ImageHistoryItem> = "image-history";
    volume_list: VolumeList = "volume-list";
    network_inspect: Network = "network-inspect";
    version: SystemVersion = "version";
    info: SystemInfo = "info";
    event: EventMessage = "event";
}

/// The key of every field of the specification's `HostConfig` is a field of ours: options that are not
/// built are refused by name, which needs them read.
#[test]
fn defaults_have_every_key_of_the_reference() {
    let observed: serde_json::Value = serde_json::from_str(include_str!("golden/container-inspect.json")).unwrap();
    let ours = serde_json::to_value(ContainerInspect::default()).unwrap();
    for part in ["State", "HostConfig", "Config", "NetworkSettings"] {
        let keys = observed[part].as_object().unwrap().keys();
        let missing: Vec<&String> = keys.filter(|key| ours[part].get(key).is_none()).collect();
        let set_only = [
            "Annotations",
            "ExposedPorts",
            "Health",
            "Healthcheck",
            "MacAddress",
            "Mounts",
            "Runtime",
        ];
        let set_only = [&set_only[..], &["StopSignal", "StopTimeout", "Tmpfs"]].concat();
        assert!(
            missing.iter().all(|key| set_only.contains(&key.as_str())),
            "{part}: {missing:?}"
        );
    }
}
