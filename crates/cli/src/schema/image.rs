//! An image's description, as Docker's client holds it: Go's names, JSON's keys, types
//! (Engine API v1.51, docker 28.5.2). A table of facts; nothing is computed here.

use corten_template::{Field, Struct, Type};

use super::EMPTY;
use super::container::{CONTAINER_CONFIG, SPEC_HEALTHCHECK_CONFIG, STORAGE_DRIVER_DATA};

pub(super) const OCI_PLATFORM: Type = Type::Struct(&Struct {
    name: "v1.Platform",
    fields: &[
        Field::new("Architecture", "architecture", &Type::Text),
        Field::new("OS", "os", &Type::Text),
        Field::new("OSVersion", "os.version", &Type::Text).omitted(),
        Field::new("OSFeatures", "os.features", &Type::List(&Type::Text)).omitted(),
        Field::new("Variant", "variant", &Type::Text).omitted(),
    ],
});

pub(super) const OCI_DESCRIPTOR: Type = Type::Struct(&Struct {
    name: "v1.Descriptor",
    fields: &[
        Field::new("MediaType", "mediaType", &Type::Text),
        Field::new("Digest", "digest", &Type::Named("digest.Digest", &Type::Text)),
        Field::new("Size", "size", &Type::Int64),
        Field::new("URLs", "urls", &Type::List(&Type::Text)).omitted(),
        Field::new("Annotations", "annotations", &Type::Map(&Type::Text, &Type::Text)).omitted(),
        Field::new("Data", "data", &Type::List(&Type::Uint8)).omitted(),
        Field::new("Platform", "platform", &Type::Pointer(&OCI_PLATFORM)).omitted(),
        Field::new("ArtifactType", "artifactType", &Type::Text).omitted(),
    ],
});

pub(super) const OCI_IMAGE_CONFIG: Type = Type::Struct(&Struct {
    name: "v1.ImageConfig",
    fields: &[
        Field::new("User", "User", &Type::Text).omitted(),
        Field::new("ExposedPorts", "ExposedPorts", &Type::Map(&Type::Text, &EMPTY)).omitted(),
        Field::new("Env", "Env", &Type::List(&Type::Text)).omitted(),
        Field::new("Entrypoint", "Entrypoint", &Type::List(&Type::Text)).omitted(),
        Field::new("Cmd", "Cmd", &Type::List(&Type::Text)).omitted(),
        Field::new("Volumes", "Volumes", &Type::Map(&Type::Text, &EMPTY)).omitted(),
        Field::new("WorkingDir", "WorkingDir", &Type::Text).omitted(),
        Field::new("Labels", "Labels", &Type::Map(&Type::Text, &Type::Text)).omitted(),
        Field::new("StopSignal", "StopSignal", &Type::Text).omitted(),
        Field::new("ArgsEscaped", "ArgsEscaped", &Type::Bool).omitted(),
    ],
});

pub(super) const SPEC_DOCKER_OCIIMAGE_CONFIG_EXT: Type = Type::Struct(&Struct {
    name: "v1.DockerOCIImageConfigExt",
    fields: &[
        Field::new("Healthcheck", "Healthcheck", &Type::Pointer(&SPEC_HEALTHCHECK_CONFIG)).omitted(),
        Field::new("OnBuild", "OnBuild", &Type::List(&Type::Text)).omitted(),
        Field::new("Shell", "Shell", &Type::List(&Type::Text)).omitted(),
    ],
});

pub(super) const SPEC_DOCKER_OCIIMAGE_CONFIG: Type = Type::Struct(&Struct {
    name: "v1.DockerOCIImageConfig",
    fields: &[
        Field::new("ImageConfig", "", &OCI_IMAGE_CONFIG),
        Field::new("DockerOCIImageConfigExt", "", &SPEC_DOCKER_OCIIMAGE_CONFIG_EXT),
    ],
});

pub(super) const IMAGE_ROOT_FS: Type = Type::Struct(&Struct {
    name: "image.RootFS",
    fields: &[
        Field::new("Type", "Type", &Type::Text).omitted(),
        Field::new("Layers", "Layers", &Type::List(&Type::Text)).omitted(),
    ],
});

pub(super) const IMAGE_METADATA: Type = Type::Struct(&Struct {
    name: "image.Metadata",
    fields: &[Field::new("LastTagTime", "LastTagTime", &Type::Time).omitted()],
});

pub(super) const IMAGE_MANIFEST_SUMMARY_SIZE: Type = Type::Struct(&Struct {
    name: "image.ManifestSummarySize",
    fields: &[
        Field::new("Content", "Content", &Type::Int64),
        Field::new("Total", "Total", &Type::Int64),
    ],
});

pub(super) const IMAGE_PROPERTIES_SIZE: Type = Type::Struct(&Struct {
    name: "image.ImagePropertiesSize",
    fields: &[Field::new("Unpacked", "Unpacked", &Type::Int64)],
});

pub(super) const IMAGE_PROPERTIES: Type = Type::Struct(&Struct {
    name: "image.ImageProperties",
    fields: &[
        Field::new("Platform", "Platform", &OCI_PLATFORM),
        Field::new("Size", "Size", &IMAGE_PROPERTIES_SIZE),
        Field::new("Containers", "Containers", &Type::List(&Type::Text)),
    ],
});

pub(super) const IMAGE_ATTESTATION_PROPERTIES: Type = Type::Struct(&Struct {
    name: "image.AttestationProperties",
    fields: &[Field::new("For", "For", &Type::Named("digest.Digest", &Type::Text))],
});

pub(super) const IMAGE_MANIFEST_SUMMARY: Type = Type::Struct(&Struct {
    name: "image.ManifestSummary",
    fields: &[
        Field::new("ID", "ID", &Type::Text),
        Field::new("Descriptor", "Descriptor", &OCI_DESCRIPTOR),
        Field::new("Available", "Available", &Type::Bool),
        Field::new("Size", "Size", &IMAGE_MANIFEST_SUMMARY_SIZE),
        Field::new("Kind", "Kind", &Type::Named("image.ManifestKind", &Type::Text)),
        Field::new("ImageData", "ImageData", &Type::Pointer(&IMAGE_PROPERTIES)).omitted(),
        Field::new(
            "AttestationData",
            "AttestationData",
            &Type::Pointer(&IMAGE_ATTESTATION_PROPERTIES),
        )
        .omitted(),
    ],
});

pub(crate) const IMAGE_INSPECT_RESPONSE: Type = Type::Struct(&Struct {
    name: "image.InspectResponse",
    fields: &[
        Field::new("ID", "Id", &Type::Text),
        Field::new("RepoTags", "RepoTags", &Type::List(&Type::Text)),
        Field::new("RepoDigests", "RepoDigests", &Type::List(&Type::Text)),
        Field::new("Parent", "Parent", &Type::Text),
        Field::new("Comment", "Comment", &Type::Text),
        Field::new("Created", "Created", &Type::Text).omitted(),
        Field::new("Container", "Container", &Type::Text).omitted(),
        Field::new("ContainerConfig", "ContainerConfig", &Type::Pointer(&CONTAINER_CONFIG)).omitted(),
        Field::new("DockerVersion", "DockerVersion", &Type::Text),
        Field::new("Author", "Author", &Type::Text),
        Field::new("Config", "Config", &Type::Pointer(&SPEC_DOCKER_OCIIMAGE_CONFIG)),
        Field::new("Architecture", "Architecture", &Type::Text),
        Field::new("Variant", "Variant", &Type::Text).omitted(),
        Field::new("Os", "Os", &Type::Text),
        Field::new("OsVersion", "OsVersion", &Type::Text).omitted(),
        Field::new("Size", "Size", &Type::Int64),
        Field::new("VirtualSize", "VirtualSize", &Type::Int64).omitted(),
        Field::new("GraphDriver", "GraphDriver", &STORAGE_DRIVER_DATA),
        Field::new("RootFS", "RootFS", &IMAGE_ROOT_FS),
        Field::new("Metadata", "Metadata", &IMAGE_METADATA),
        Field::new("Descriptor", "Descriptor", &Type::Pointer(&OCI_DESCRIPTOR)).omitted(),
        Field::new("Manifests", "Manifests", &Type::List(&IMAGE_MANIFEST_SUMMARY)).omitted(),
    ],
});
