//! The parameters `platform` and `platforms` of calls about images, which have one platform here: it has to be that one.

use corten_api::image::ImageInspect;
use corten_api::version::ApiVersion;
use corten_base::Platform;
use serde::Deserialize;

use crate::http::{Failure, Query};

/// As clients send it, in JSON; any part may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sent {
    architecture: String,
    os: String,
    variant: String,
}

/// The platform that is asked for by `platform`, if one is, and if the call's version has that parameter.
pub(super) fn wanted(query: &Query, version: ApiVersion, since: ApiVersion) -> Result<Option<Platform>, Failure> {
    let given = query.filled("platform").filter(|_| version >= since);
    given.as_deref().map(read).transpose()
}

/// The one of `platforms`, which has one value for each. Text observed: dockerd 28.5.
pub(super) fn only_wanted(query: &Query) -> Result<Option<Platform>, Failure> {
    let given: Vec<Platform> = query
        .all("platforms")
        .iter()
        .map(|given| read(given))
        .collect::<Result<_, _>>()?;
    if given.len() > 1 {
        return Err(Failure::invalid("multiple platforms are not supported"));
    }
    Ok(given.into_iter().next())
}

fn read(given: &str) -> Result<Platform, Failure> {
    let Sent {
        architecture,
        os,
        variant,
    } = serde_json::from_str(given).map_err(|error| Failure::invalid(format!("failed to parse platform: {error}")))?;
    Ok(Platform {
        os,
        architecture,
        variant,
    })
}

/// Refuses a platform that the image is not for. Text observed: dockerd 28.5.
pub(super) fn fits(wanted: &Platform, name: &str, image: &ImageInspect) -> Result<(), Failure> {
    let own = Platform {
        os: image.os.clone(),
        architecture: image.architecture.clone(),
        variant: image.variant.clone(),
    };
    if own.suits(wanted) {
        return Ok(());
    }
    let text = |platform: &Platform| {
        let parts = [&*platform.os, &*platform.architecture, &*platform.variant];
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("/")
    };
    Err(Failure::not_found(format!(
        "image with reference {name} was found but its platform ({}) does not match the specified platform ({})",
        text(&own),
        text(wanted)
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
            let wanted = wanted(&Query::new(&query), ApiVersion::new(1, 49), ApiVersion::new(1, 49))?;
            wanted.map_or(Ok(()), |wanted| fits(&wanted, "busybox", &image))
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

    #[test]
    fn older_calls_do_not_have_it() {
        let (old, since) = (ApiVersion::new(1, 47), ApiVersion::new(1, 48));
        assert_eq!(wanted(&Query::new("platform=nonsense"), old, since), Ok(None));
        assert!(wanted(&Query::new("platform=nonsense"), since, since).is_err());
    }

    #[test]
    fn no_more_than_one() {
        let one = corten_api::query::escape(r#"{"os":"linux"}"#);
        let ask = |query: &str| only_wanted(&Query::new(query));
        assert_eq!(ask("force=1"), Ok(None));
        assert_eq!(ask(&format!("platforms={one}")).unwrap().unwrap().os, "linux");
        let two = ask(&format!("platforms={one}&platforms={one}"));
        assert_eq!(
            two.unwrap_err(),
            Failure::invalid("multiple platforms are not supported")
        );
        assert!(ask("platforms=x").is_err());
    }
}
