//! A context in one file, as `context export` writes and `context import` reads it: a tar archive with
//! `meta.json` and `tls/<endpoint>/<file>`. Nothing else is taken out of an archive, and nothing above a
//! limit is read.

use std::io::{self, Read};

use tar::{Archive, Builder, EntryType, Header};

use super::{ContextError, Material, Meta, go_json};

/// Most that an archive may hold, in bytes, as in Docker's client.
const LIMIT: u64 = 10 << 20;

/// The archive's bytes.
pub(crate) fn write(meta: &Meta, material: &Material) -> Result<Vec<u8>, ContextError> {
    let mut builder = Builder::new(Vec::new());
    let mut add = |path: &str, mode: u32, bytes: Option<&[u8]>| {
        let mut header = Header::new_ustar();
        header.set_mode(mode);
        header.set_size(bytes.map_or(0, <[u8]>::len) as u64);
        header.set_entry_type(match bytes {
            Some(_) => EntryType::Regular,
            None => EntryType::Directory,
        });
        builder.append_data(&mut header, path, bytes.unwrap_or_default())
    };
    let archived = (|| {
        add("meta.json", 0o644, Some(go_json(meta).as_bytes()))?;
        if !material.0.is_empty() {
            add("tls", 0o700, None)?;
        }
        for (endpoint, files) in &material.0 {
            add(&format!("tls/{endpoint}"), 0o700, None)?;
            for (file, bytes) in files {
                add(&format!("tls/{endpoint}/{file}"), 0o600, Some(bytes))?;
            }
        }
        Ok(())
    })();
    archived
        .and_then(|()| builder.into_inner())
        .map_err(|error: io::Error| ContextError::Archive(error.to_string()))
}

/// What an archive holds.
pub(crate) fn read(source: impl Read) -> Result<(Meta, Material), ContextError> {
    let mut bytes = Vec::new();
    let told = |error: io::Error| ContextError::Archive(error.to_string());
    source.take(LIMIT + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > LIMIT {
        return Err(ContextError::TooLarge(LIMIT));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(ContextError::Zip);
    }
    let (mut meta, mut material) = (None, Material::default());
    let damaged = |_| ContextError::Archive("unexpected EOF".to_owned());
    for entry in Archive::new(bytes.as_slice()).entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        if entry.header().entry_type().is_dir() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(damaged)?;
        match place(&name) {
            Some(Place::Meta) => {
                let parsed = serde_json::from_slice(&content);
                meta = Some(parsed.map_err(|error| ContextError::Archive(format!("{name}: {error}")))?);
            }
            Some(Place::Tls { endpoint, file }) => {
                let files = material.0.entry(endpoint.to_owned()).or_default();
                files.insert(file.to_owned(), content);
            }
            None => return Err(ContextError::Unexpected(name)),
        }
    }
    Ok((meta.ok_or(ContextError::NoMetadata)?, material))
}

enum Place<'a> {
    Meta,
    Tls { endpoint: &'a str, file: &'a str },
}

/// Where a member belongs; `None` for what has no place, such as a path that leads elsewhere.
fn place(name: &str) -> Option<Place<'_>> {
    if name == "meta.json" {
        return Some(Place::Meta);
    }
    let (endpoint, file) = name.strip_prefix("tls/")?.split_once('/')?;
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['/', '\\', '\0']);
    (plain(endpoint) && plain(file)).then_some(Place::Tls { endpoint, file })
}

#[cfg(test)]
mod tests {
    use super::*;
    use corten_client::Tls;

    #[test]
    fn reads_what_it_writes() {
        let mut meta = Meta::new("far", "there");
        meta.set_engine("tcp://far:1", true);
        let material = Material::of(Some(Tls {
            ca: Some(b"ca".to_vec()),
            cert: None,
            key: Some(b"key".to_vec()),
            skip_verify: true,
        }));
        let (read_meta, read_material) = read(write(&meta, &material).unwrap().as_slice()).unwrap();
        assert_eq!(go_json(&read_meta), go_json(&meta));
        assert_eq!(read_material, material);
    }

    #[test]
    fn takes_nothing_else() {
        for name in [
            "tls/../x",
            "tls/docker/../../x",
            "../meta.json",
            "tls/docker",
            "x",
            "/meta.json",
        ] {
            assert!(place(name).is_none(), "{name}");
        }
        assert!(matches!(read(&b""[..]), Err(ContextError::NoMetadata)));
        assert!(matches!(read(&b"PK\x03\x04"[..]), Err(ContextError::Zip)));
        assert!(matches!(read(&[b'x'; 700][..]), Err(ContextError::Archive(_))));
        assert!(matches!(read(io::repeat(0)), Err(ContextError::TooLarge(_))));
    }
}
