//! `-v`: `source:destination[:mode]` or `destination` (pure).

use super::{MountKind, MountSpec, clean};
use crate::error::{Error, Result};
use crate::volume;

/// `source:destination[:mode]` or `destination`.
pub(super) fn short_form(text: &str, driver: &str) -> Result<MountSpec> {
    // Docker does not class these as the client's fault: 500 (observed: dockerd 28.5).
    let wrong = |why: &str| Error::internal(format!("invalid volume specification: '{text}'{why}"));
    let parts: Vec<&str> = text.split(':').collect();
    let (source, destination, mode) = match parts.as_slice() {
        [destination] if !destination.is_empty() => ("", *destination, ""),
        [source, destination] => (*source, *destination, ""),
        [source, destination, mode] => (*source, *destination, *mode),
        _ => return Err(wrong("")),
    };
    if parts.len() > 1 && (source.is_empty() || destination.is_empty()) {
        return Err(wrong(""));
    }
    if !destination.starts_with('/') {
        let path = format!("invalid mount path: '{destination}' mount path must be absolute");
        return Err(wrong(&format!(
            ": invalid mount config for type \"{}\": {path}",
            kind_word(source)
        )));
    }
    let destination = clean(destination);
    if destination == "/" {
        let kind = kind_word(source);
        return Err(wrong(&format!(
            ": invalid mount config for type \"{kind}\": invalid specification: destination can't be '/'"
        )));
    }
    let mut mount = MountSpec {
        destination,
        mode: mode.to_owned(),
        ..MountSpec::default()
    };
    if source.starts_with('/') {
        mount.source = clean(source);
        mount.create_source = true;
    } else {
        volume::check_driver(driver)?;
        mount.kind = MountKind::Volume;
    }
    apply_mode(&mut mount, mode).map_err(|refusal| match refusal {
        ModeError::Unknown => Error::internal(format!("invalid mode: {mode}")),
        ModeError::OfOther(field) => wrong(&format!(
            ": invalid mount config for type \"{}\": field {field} must not be specified",
            kind_word(source)
        )),
    })?;
    // The mode is judged before the name (observed: dockerd 28.5).
    if mount.kind == MountKind::Volume && !source.is_empty() {
        volume::check_name(source)?;
        source.clone_into(&mut mount.volume);
    }
    Ok(mount)
}

fn kind_word(source: &str) -> &'static str {
    if source.starts_with('/') { "bind" } else { "volume" }
}

/// Why the words of a mode are refused.
enum ModeError {
    /// A word that is none, or two of one family.
    Unknown,
    /// A word of the other kind of mount: the field of the long form that it would be.
    OfOther(&'static str),
}

/// What a word of a mode is about; of each only one may be given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Access,
    Label,
    Propagation,
    Copy,
    Consistency,
    Identities,
}

fn family(word: &str) -> Option<Family> {
    Some(match word {
        "ro" | "rw" => Family::Access,
        "z" | "Z" => Family::Label,
        "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave" => Family::Propagation,
        "nocopy" => Family::Copy,
        "consistent" | "cached" | "delegated" => Family::Consistency,
        "idmap" => Family::Identities,
        _ => return None,
    })
}

fn apply_mode(mount: &mut MountSpec, mode: &str) -> std::result::Result<(), ModeError> {
    let mut given = Vec::new();
    for word in mode.split(',').filter(|_| !mode.is_empty()) {
        let family = family(word).ok_or(ModeError::Unknown)?;
        if given.contains(&family) {
            return Err(ModeError::Unknown);
        }
        given.push(family);
    }
    for word in mode.split(',') {
        match (family(word), mount.kind) {
            (Some(Family::Access), _) => mount.readonly = word == "ro",
            (Some(Family::Copy), MountKind::Volume) => mount.no_copy = true,
            (Some(Family::Copy), _) => return Err(ModeError::OfOther("VolumeOptions")),
            (Some(Family::Propagation), MountKind::Bind) => word.clone_into(&mut mount.propagation),
            (Some(Family::Propagation), _) => return Err(ModeError::OfOther("BindOptions")),
            (Some(Family::Identities), _) => mount.mapped = true,
            (Some(Family::Label | Family::Consistency) | None, _) => {}
        }
    }
    Ok(())
}
