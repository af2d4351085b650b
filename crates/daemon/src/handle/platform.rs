//! The parameter `platform` of calls about one image: images here have one platform, so it only has to be that one.

use corten_api::image::ImageInspect;
use serde::Deserialize;

use crate::http::{Failure, Query};

/// As clients send it, in JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Platform {
    architecture: String,
    os: String,
    variant: String,
}

/// Refuses a platform that the image is not for. Text observed: dockerd 28.5.
pub(super) fn fits(query: &Query, name: &str, image: &ImageInspect) -> Result<(), Failure> {
    let Some(given) = query.filled("platform") else {
        return Ok(());
    };
    let wanted: Platform =
        serde_json::from_str(&given).map_err(|error| Failure::invalid(format!("failed to parse platform: {error}")))?;
    let same = |wanted: &str, own: &str| wanted.is_empty() || own.is_empty() || wanted == own;
    if same(&wanted.os, &image.os)
        && same(&wanted.architecture, &image.architecture)
        && same(&wanted.variant, &image.variant)
    {
        return Ok(());
    }
    let text = |os: &str, architecture: &str, variant: &str| {
        let parts = [os, architecture, variant];
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("/")
    };
    Err(Failure::not_found(format!(
        "image with reference {name} was found but its platform ({}) does not match the specified platform ({})",
        text(&image.os, &image.architecture, &image.variant),
        text(&wanted.os, &wanted.architecture, &wanted.variant)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_image_s_own() {
        let image = ImageInspect {
            os: "linux".to_owned(),
            architecture: "amd64".to_owned(),
            ..ImageInspect::default()
        };
        let ask = |json: &str| {
            let query = format!("platform={}", corten_api::query::escape(json));
            fits(&Query::new(&query), "busybox", &image)
        };
        assert!(ask("").is_ok() && ask(r#"{"os":"linux","architecture":"amd64","variant":"v1"}"#).is_ok());
        assert_eq!(
            ask(r#"{"architecture":"arm64","os":"linux"}"#).unwrap_err(),
            Failure::not_found(
                "image with reference busybox was found but its platform (linux/amd64) does not match the specified \
                 platform (linux/arm64)"
            )
        );
        assert_eq!(ask("nonsense").unwrap_err().status.as_u16(), 400);
    }
}
