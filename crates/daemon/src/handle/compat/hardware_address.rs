//! The hardware address of a container as a whole, which belongs to the endpoint on the network of its mode since 1.44
//! (observed: dockerd 28.5).

use corten_api::container::{ContainerCreateBody, EndpointSettings};
use corten_api::version::ApiVersion;

use crate::http::Failure;

const DEPRECATED: &str =
    "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.";

/// Makes of the body what the client's version means; what it is to be told.
pub(super) fn adapt(body: &mut ContainerCreateBody, version: ApiVersion) -> Result<Option<&'static str>, Failure> {
    let address = body.config.mac_address.clone();
    let mode = body.host_config.as_ref().map_or("", |host| host.network_mode.as_str());
    let has_networks = !matches!(mode, "host" | "none") && !mode.starts_with("container:");
    if version < ApiVersion::new(1, 44) {
        if !has_networks && !address.is_empty() {
            return Err(Failure::invalid(
                "conflicting options: mac-address and the network mode",
            ));
        }
        forget_endpoints_own(body);
        return Ok(None);
    }
    if address.is_empty() {
        return Ok(None);
    }
    if has_networks {
        check(body)?;
    } else {
        body.config.mac_address = String::new();
    }
    Ok(Some(DEPRECATED))
}

/// Before, an endpoint's own was not known.
fn forget_endpoints_own(body: &mut ContainerCreateBody) {
    let Some(networking) = &mut body.networking_config else {
        return;
    };
    let mut endpoints = std::mem::take(&mut networking.endpoints_config).into_entries();
    for endpoint in endpoints.values_mut().flatten() {
        let EndpointSettings { mac_address, .. } = endpoint;
        mac_address.clear();
    }
    networking.endpoints_config = endpoints.into();
}

fn check(body: &ContainerCreateBody) -> Result<(), Failure> {
    let config = body.networking_config.iter();
    let mut endpoints = config.flat_map(|config| &config.endpoints_config).peekable();
    if endpoints.peek().is_none() {
        return Ok(());
    }
    let mode = body.host_config.as_ref().map_or("", |host| host.network_mode.as_str());
    let is_modes = |name: &str| match mode {
        "" | "default" | "bridge" => name == "default" || name == "bridge",
        mode => name == mode,
    };
    let Some((_, endpoint)) = endpoints.find(|(name, _)| is_modes(name)) else {
        return Err(Failure::invalid(
            "unable to migrate container-wide MAC address to a specific network: HostConfig.NetworkMode must match the \
             identity of a network in NetworkSettings.Networks",
        ));
    };
    let own = endpoint.as_ref().map_or("", |endpoint| endpoint.mac_address.as_str());
    if own.is_empty() || own == body.config.mac_address {
        return Ok(());
    }
    Err(Failure::invalid(
        "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hardware_address_on_the_network_of_the_mode() {
        let refusal = |mode: &str, endpoints: &str, version| {
            let mac = "02:42:ac:11:00:42";
            let json = format!(
                r#"{{"MacAddress":"{mac}","HostConfig":{{"NetworkMode":"{mode}"}},"NetworkingConfig":{{"EndpointsConfig":{endpoints}}}}}"#
            );
            let mut body: ContainerCreateBody = serde_json::from_str(&json).unwrap();
            adapt(&mut body, version).err().map(|failure| failure.message)
        };
        let now = ApiVersion::new(1, 51);
        let other = r#"{"n1":{"MacAddress":"02:42:ac:11:00:43"}}"#;
        assert_eq!(refusal("n1", "{}", now), None);
        assert_eq!(refusal("n1", r#"{"n1":null,"n2":{}}"#, now), None);
        assert_eq!(refusal("bridge", r#"{"default":{}}"#, now), None);
        let refused = refusal("n1", other, now).unwrap();
        assert!(
            refused.starts_with("the container-wide MAC address must match"),
            "{refused}"
        );
        let refused = refusal("default", other, now).unwrap();
        assert!(
            refused.starts_with("unable to migrate container-wide MAC address"),
            "{refused}"
        );
        let old = ApiVersion::new(1, 43);
        assert_eq!(refusal("n1", other, old), None);
        for mode in ["host", "none", "container:x"] {
            let refused = refusal(mode, "{}", old).unwrap();
            assert_eq!(refused, "conflicting options: mac-address and the network mode");
            assert_eq!(refusal(mode, "{}", now), None);
        }
    }

    #[test]
    fn what_an_endpoint_said_for_itself_was_not_known() {
        let json = r#"{"NetworkingConfig":{"EndpointsConfig":{"n1":{"MacAddress":"02:42:ac:11:00:43"}}}}"#;
        for (minor, kept) in [(43, ""), (44, "02:42:ac:11:00:43")] {
            let mut body: ContainerCreateBody = serde_json::from_str(json).unwrap();
            assert_eq!(adapt(&mut body, ApiVersion::new(1, minor)).unwrap(), None);
            let networking = body.networking_config.unwrap();
            let endpoint = networking.endpoints_config.get("n1").unwrap().as_ref().unwrap();
            assert_eq!(endpoint.mac_address, kept);
        }
    }
}
