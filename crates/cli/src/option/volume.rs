//! `-v [source:]target[:options]`.

use std::path::Path;

/// What one `-v` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Volume {
    /// A volume without a name, mounted there.
    Anonymous(String),
    /// A host path or a named volume, as the engine reads it.
    Bind(String),
}

/// The text is no volume.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VolumeError {
    #[error("invalid empty volume spec")]
    Empty,
    #[error("invalid spec: {0}: empty section between colons")]
    EmptySection(String),
    #[error("invalid spec: {0}: too many colons")]
    TooManyColons(String),
}

/// Reads one value; paths that begin with a dot are made absolute below `directory`.
pub(crate) fn parse(text: &str, directory: &Path) -> Result<Volume, VolumeError> {
    match text.len() {
        0 => return Err(VolumeError::Empty),
        1 | 2 => return Ok(Volume::Anonymous(text.to_owned())),
        _ => {}
    }
    let sections = sections(text);
    if sections.iter().any(String::is_empty) {
        return Err(VolumeError::EmptySection(text.to_owned()));
    }
    match sections.as_slice() {
        [_] => Ok(Volume::Anonymous(text.to_owned())),
        [source, ..] if sections.len() <= 3 => Ok(Volume::Bind(absolute(text, source, directory))),
        _ => Err(VolumeError::TooManyColons(text.to_owned())),
    }
}

/// Splits at colons, except behind a single letter, which could be a Windows drive.
fn sections(text: &str) -> Vec<String> {
    let mut sections = vec![String::new()];
    for letter in text.chars() {
        let section = sections.last_mut().expect("starts with one");
        let drive = section.len() == 1 && section.starts_with(|first: char| first.is_ascii_alphabetic());
        if letter == ':' && !drive {
            sections.push(String::new());
        } else {
            section.push(letter);
        }
    }
    sections
}

fn absolute(text: &str, source: &str, directory: &Path) -> String {
    if !source.starts_with('.') {
        return text.to_owned();
    }
    format!("{}{}", clean(&directory.join(source)), &text[source.len()..])
}

/// The path without `.` and `..`, by its text alone.
pub(crate) fn clean(path: &Path) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let text = path.to_string_lossy();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let read = |text: &str| parse(text, Path::new("/home/me"));
        for (text, expected) in [
            ("/data", Volume::Anonymous("/data".to_owned())),
            ("name:/data", Volume::Bind("name:/data".to_owned())),
            ("/a:/b:ro", Volume::Bind("/a:/b:ro".to_owned())),
            ("./x/../y:/b", Volume::Bind("/home/me/y:/b".to_owned())),
            (".:/b:ro", Volume::Bind("/home/me:/b:ro".to_owned())),
            ("../z:/b", Volume::Bind("/home/z:/b".to_owned())),
        ] {
            assert_eq!(read(text), Ok(expected));
        }
        assert_eq!(read(""), Err(VolumeError::Empty));
        assert_eq!(read("/a::/b"), Err(VolumeError::EmptySection("/a::/b".to_owned())));
        assert_eq!(
            read("/a:/b:ro:x"),
            Err(VolumeError::TooManyColons("/a:/b:ro:x".to_owned()))
        );
    }
}
