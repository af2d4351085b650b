//! Content trust: signatures of images are not verified here, so what would depend on them is refused rather than done
//! without (Docker's client asks a notary for every name with a tag, of images that are there too).

use corten_base::reference::AnyReference;

use crate::failure::Failure;
use crate::flag::Parsed;

/// Turns it on for every command.
const VARIABLE: &str = "DOCKER_CONTENT_TRUST";

/// Refuses an image whose signature the user wants verified: `--disable-content-trust`, else the environment.
///
/// # Errors
/// What is wanted, and how to do without.
pub(crate) fn refuse(image: &str, parsed: &Parsed) -> Result<(), Failure> {
    let environment = std::env::var(VARIABLE).unwrap_or_default();
    if !is_wanted(parsed.bool("disable-content-trust"), &environment) || is_content(image) {
        return Ok(());
    }
    let text = format!("content trust is on, and the signature of {image} cannot be verified: corten has no notary");
    Err(Failure::new(text).hint(format!(
        "name the image by its digest, or do without: `--disable-content-trust`, or {VARIABLE} unset"
    )))
}

/// Docker reads anything that is no boolean as yes.
fn is_wanted(disabled: Option<bool>, environment: &str) -> bool {
    let off = ["", "0", "f", "F", "false", "False", "FALSE"].contains(&environment);
    disabled.map_or(!off, |disabled| !disabled)
}

/// Whether the name is what is in it: an id or a digest needs no signature.
fn is_content(image: &str) -> bool {
    match AnyReference::parse(image) {
        Ok(AnyReference::Named(reference)) => reference.digest().is_some(),
        // What is no name is refused in words of its own.
        Ok(AnyReference::Id(_)) | Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wants_it() {
        for (disabled, environment, wanted) in [
            (None, "", false),
            (None, "0", false),
            (None, "false", false),
            (None, "1", true),
            (None, "yes", true),
            (Some(true), "1", false),
            (Some(false), "", true),
        ] {
            assert_eq!(is_wanted(disabled, environment), wanted, "{disabled:?} {environment}");
        }
    }

    #[test]
    fn what_needs_a_signature() {
        let digest = "a".repeat(64);
        assert!(!is_content("busybox") && !is_content("busybox:1") && !is_content("r.example/b"));
        assert!(is_content(&digest) && is_content(&format!("busybox@sha256:{digest}")) && is_content("UPPER"));
    }
}
