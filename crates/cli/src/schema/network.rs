//! A network's description, as Docker's client holds it: Go's names, JSON's keys, types
//! (Engine API v1.51, docker 28.5.2). A table of facts; nothing is computed here.

use corten_template::{Field, Struct, Type};

pub(super) const NETWORK_ADDRESS: Type = Type::Struct(&Struct {
    name: "network.Address",
    fields: &[
        Field::new("Addr", "Addr", &Type::Text),
        Field::new("PrefixLen", "PrefixLen", &Type::Int),
    ],
});

pub(super) const NETWORK_ENDPOINT_IPAMCONFIG: Type = Type::Struct(&Struct {
    name: "network.EndpointIPAMConfig",
    fields: &[
        Field::new("IPv4Address", "IPv4Address", &Type::Text).omitted(),
        Field::new("IPv6Address", "IPv6Address", &Type::Text).omitted(),
        Field::new("LinkLocalIPs", "LinkLocalIPs", &Type::List(&Type::Text)).omitted(),
    ],
});

pub(super) const NETWORK_ENDPOINT_SETTINGS: Type = Type::Struct(&Struct {
    name: "network.EndpointSettings",
    fields: &[
        Field::new("IPAMConfig", "IPAMConfig", &Type::Pointer(&NETWORK_ENDPOINT_IPAMCONFIG)),
        Field::new("Links", "Links", &Type::List(&Type::Text)),
        Field::new("Aliases", "Aliases", &Type::List(&Type::Text)),
        Field::new("MacAddress", "MacAddress", &Type::Text),
        Field::new("DriverOpts", "DriverOpts", &Type::Map(&Type::Text, &Type::Text)),
        Field::new("GwPriority", "GwPriority", &Type::Int),
        Field::new("NetworkID", "NetworkID", &Type::Text),
        Field::new("EndpointID", "EndpointID", &Type::Text),
        Field::new("Gateway", "Gateway", &Type::Text),
        Field::new("IPAddress", "IPAddress", &Type::Text),
        Field::new("IPPrefixLen", "IPPrefixLen", &Type::Int),
        Field::new("IPv6Gateway", "IPv6Gateway", &Type::Text),
        Field::new("GlobalIPv6Address", "GlobalIPv6Address", &Type::Text),
        Field::new("GlobalIPv6PrefixLen", "GlobalIPv6PrefixLen", &Type::Int),
        Field::new("DNSNames", "DNSNames", &Type::List(&Type::Text)),
    ],
});

pub(super) const NETWORK_IPAMCONFIG: Type = Type::Struct(&Struct {
    name: "network.IPAMConfig",
    fields: &[
        Field::new("Subnet", "Subnet", &Type::Text).omitted(),
        Field::new("IPRange", "IPRange", &Type::Text).omitted(),
        Field::new("Gateway", "Gateway", &Type::Text).omitted(),
        Field::new("AuxAddress", "AuxiliaryAddresses", &Type::Map(&Type::Text, &Type::Text)).omitted(),
    ],
});

pub(super) const NETWORK_IPAM: Type = Type::Struct(&Struct {
    name: "network.IPAM",
    fields: &[
        Field::new("Driver", "Driver", &Type::Text),
        Field::new("Options", "Options", &Type::Map(&Type::Text, &Type::Text)),
        Field::new("Config", "Config", &Type::List(&NETWORK_IPAMCONFIG)),
    ],
});

pub(super) const NETWORK_CONFIG_REFERENCE: Type = Type::Struct(&Struct {
    name: "network.ConfigReference",
    fields: &[Field::new("Network", "Network", &Type::Text)],
});

pub(super) const NETWORK_ENDPOINT_RESOURCE: Type = Type::Struct(&Struct {
    name: "network.EndpointResource",
    fields: &[
        Field::new("Name", "Name", &Type::Text),
        Field::new("EndpointID", "EndpointID", &Type::Text),
        Field::new("MacAddress", "MacAddress", &Type::Text),
        Field::new("IPv4Address", "IPv4Address", &Type::Text),
        Field::new("IPv6Address", "IPv6Address", &Type::Text),
    ],
});

pub(super) const NETWORK_PEER_INFO: Type = Type::Struct(&Struct {
    name: "network.PeerInfo",
    fields: &[
        Field::new("Name", "Name", &Type::Text),
        Field::new("IP", "IP", &Type::Text),
    ],
});

pub(super) const NETWORK_TASK: Type = Type::Struct(&Struct {
    name: "network.Task",
    fields: &[
        Field::new("Name", "Name", &Type::Text),
        Field::new("EndpointID", "EndpointID", &Type::Text),
        Field::new("EndpointIP", "EndpointIP", &Type::Text),
        Field::new("Info", "Info", &Type::Map(&Type::Text, &Type::Text)),
    ],
});

pub(super) const NETWORK_SERVICE_INFO: Type = Type::Struct(&Struct {
    name: "network.ServiceInfo",
    fields: &[
        Field::new("VIP", "VIP", &Type::Text),
        Field::new("Ports", "Ports", &Type::List(&Type::Text)),
        Field::new("LocalLBIndex", "LocalLBIndex", &Type::Int),
        Field::new("Tasks", "Tasks", &Type::List(&NETWORK_TASK)),
    ],
});

pub(crate) const NETWORK_INSPECT: Type = Type::Struct(&Struct {
    name: "network.Inspect",
    fields: &[
        Field::new("Name", "Name", &Type::Text),
        Field::new("ID", "Id", &Type::Text),
        Field::new("Created", "Created", &Type::Time),
        Field::new("Scope", "Scope", &Type::Text),
        Field::new("Driver", "Driver", &Type::Text),
        Field::new("EnableIPv4", "EnableIPv4", &Type::Bool),
        Field::new("EnableIPv6", "EnableIPv6", &Type::Bool),
        Field::new("IPAM", "IPAM", &NETWORK_IPAM),
        Field::new("Internal", "Internal", &Type::Bool),
        Field::new("Attachable", "Attachable", &Type::Bool),
        Field::new("Ingress", "Ingress", &Type::Bool),
        Field::new("ConfigFrom", "ConfigFrom", &NETWORK_CONFIG_REFERENCE),
        Field::new("ConfigOnly", "ConfigOnly", &Type::Bool),
        Field::new(
            "Containers",
            "Containers",
            &Type::Map(&Type::Text, &NETWORK_ENDPOINT_RESOURCE),
        ),
        Field::new("Options", "Options", &Type::Map(&Type::Text, &Type::Text)),
        Field::new("Labels", "Labels", &Type::Map(&Type::Text, &Type::Text)),
        Field::new("Peers", "Peers", &Type::List(&NETWORK_PEER_INFO)).omitted(),
        Field::new("Services", "Services", &Type::Map(&Type::Text, &NETWORK_SERVICE_INFO)).omitted(),
    ],
});
