//! A volume's description, as Docker's client holds it: Go's names, JSON's keys, types
//! (Engine API v1.51, docker 28.5.2). A table of facts; nothing is computed here.

use corten_template::{Field, Struct, Type};

pub(super) const VOLUME_USAGE_DATA: Type = Type::Struct(&Struct {
    name: "volume.UsageData",
    fields: &[
        Field::new("RefCount", "RefCount", &Type::Int64),
        Field::new("Size", "Size", &Type::Int64),
    ],
});

pub(crate) const VOLUME: Type = Type::Struct(&Struct {
    name: "volume.Volume",
    fields: &[
        Field::new("ClusterVolume", "ClusterVolume", &Type::Pointer(&Type::Any)).omitted(),
        Field::new("CreatedAt", "CreatedAt", &Type::Text).omitted(),
        Field::new("Driver", "Driver", &Type::Text),
        Field::new("Labels", "Labels", &Type::Map(&Type::Text, &Type::Text)),
        Field::new("Mountpoint", "Mountpoint", &Type::Text),
        Field::new("Name", "Name", &Type::Text),
        Field::new("Options", "Options", &Type::Map(&Type::Text, &Type::Text)),
        Field::new("Scope", "Scope", &Type::Text),
        Field::new("Status", "Status", &Type::Map(&Type::Text, &Type::Any)).omitted(),
        Field::new("UsageData", "UsageData", &Type::Pointer(&VOLUME_USAGE_DATA)).omitted(),
    ],
});
