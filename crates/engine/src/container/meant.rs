//! Which images a creation means.

use std::sync::Arc;

use corten_base::Platform;
use corten_base::platform::ParsePlatformError;
use corten_image::Image;

use crate::core::Core;
use crate::error::{Error, Result};

/// What `platform` says; nothing where it is not given.
pub(super) fn platform(text: Option<&str>) -> Result<Option<Platform>> {
    let parsed = text.filter(|text| !text.is_empty()).map(str::parse).transpose();
    parsed.map_err(|error: ParsePlatformError| Error::invalid(error.to_string()))
}

/// The image that `--mount type=image` names. Sic: its text has the tag that was not given.
pub(super) fn mounted(core: &Core, reference: &str) -> Result<String> {
    match core.images.find(reference) {
        Ok(image) => Ok(image.id.to_string()),
        Err(error) => Err(crate::image::find_error(reference, &error)),
    }
}

/// The image of a creation, of the platform if one is asked for.
pub(super) fn image(core: &Core, reference: &str, platform: Option<&Platform>) -> Result<Arc<Image>> {
    let image = core
        .images
        .find(reference)
        .map_err(|error| crate::image::find_error(reference, &error))?;
    if let Some(platform) = platform {
        let own = &image.config;
        let fits = |wanted: &str, own: &str| wanted == own || own.is_empty();
        if !fits(&platform.os, &own.os) || !fits(&platform.architecture, &own.architecture) {
            let own = format!("{}/{}", own.os, own.architecture);
            return Err(Error::not_found(format!(
                "image with reference {reference} was found but its platform ({own}) does not match the specified platform ({platform})"
            )));
        }
    }
    Ok(image)
}
