//! What a committed image gives its containers (pure): the request's configuration or the container's own, changed by
//! Dockerfile instructions, completed from the container's.

use corten_api::container::ContainerConfig;

use crate::container::effective;
use crate::error::{Error, Result};

/// From the container's `own`, and what was `asked` for instead.
pub(super) fn configuration(
    own: &ContainerConfig,
    asked: Option<&ContainerConfig>,
    changes: &[String],
) -> Result<ContainerConfig> {
    let mut config = change(asked.unwrap_or(own).clone(), changes)?;
    let (shell, stop_timeout) = (config.shell.clone(), config.stop_timeout);
    effective::inherit(&mut config, &of_image(own)?);
    // A container takes these from its image; an image not from its container (observed: dockerd 28.5).
    (config.shell, config.stop_timeout) = (shell, stop_timeout);
    Ok(config)
}

fn change(config: ContainerConfig, changes: &[String]) -> Result<ContainerConfig> {
    if changes.is_empty() {
        return Ok(config);
    }
    let mut image = of_image(&config)?;
    corten_image::changes::apply(&mut image, changes).map_err(|error| Error::invalid(error.to_string()))?;
    let (mut written, changed) = (value(&config)?, value(&image)?);
    if let (Some(written), serde_json::Value::Object(changed)) = (written.as_object_mut(), changed) {
        written.extend(changed);
    }
    serde_json::from_value(written).map_err(failed)
}

/// The part that images have too.
fn of_image(config: &ContainerConfig) -> Result<corten_image::Config> {
    serde_json::from_value(value(config)?).map_err(failed)
}

fn value(config: &impl serde::Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(config).map_err(failed)
}

fn failed(error: serde_json::Error) -> Error {
    Error::caused("write the image's configuration", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use corten_api::{List, StringList};

    fn read(text: &str) -> ContainerConfig {
        serde_json::from_str(text).unwrap()
    }

    fn own() -> ContainerConfig {
        read(
            r#"{"Hostname":"h","Env":["A=1","P=2"],"Cmd":["c"],"Entrypoint":["e"],"Labels":{"x":"y"},"Tty":true,
            "Volumes":{"/v":{}},"StopTimeout":3,"User":"u"}"#,
        )
    }

    #[test]
    fn without_a_request_it_is_the_container_s() {
        assert_eq!(configuration(&own(), None, &[]).unwrap(), own());
    }

    #[test]
    fn what_is_asked_for_is_completed() {
        let asked = read(r#"{"Hostname":"body","Env":["B=2","A=3"],"Cmd":["d"],"Labels":{"x":"z"}}"#);
        let config = configuration(&own(), Some(&asked), &[]).unwrap();
        assert_eq!(config.hostname, "body");
        assert_eq!(*config.env, ["B=2", "A=3", "P=2"]);
        assert_eq!(*config.cmd.0, ["d"]);
        assert_eq!(*config.entrypoint.0, ["e"]);
        assert_eq!(
            config.labels.iter().collect::<Vec<_>>(),
            [(&"x".to_owned(), &"z".to_owned())]
        );
        assert_eq!(
            (config.user.as_str(), config.stop_timeout, config.tty),
            ("u", None, false)
        );
        assert!(config.volumes.contains_key("/v"));
    }

    #[test]
    fn instructions() {
        let changed = |lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            configuration(&own(), None, &lines)
        };
        let config = changed(&["CMD [\"x\"]", "ENV A=2", "USER root", "WORKDIR /w", "EXPOSE 80"]).unwrap();
        assert_eq!(*config.cmd.0, ["x"]);
        assert_eq!(*config.env, ["A=2", "P=2"]);
        assert_eq!(
            (config.user.as_str(), config.working_dir.as_str(), config.tty),
            ("root", "/w", true)
        );
        assert_eq!((config.hostname.as_str(), config.stop_timeout), ("h", Some(3)));
        assert!(config.exposed_ports.contains_key("80/tcp") && config.volumes.contains_key("/v"));
        // An entry point takes the command away, and the container's own does not come back.
        let config = changed(&["ENTRYPOINT [\"n\"]"]).unwrap();
        assert_eq!(*config.entrypoint.0, ["n"]);
        assert_eq!(config.cmd, StringList::default());
        assert_eq!(config.on_build, List::null());
        for (line, text) in [
            ("FROM x", "FROM is not a valid change command"),
            ("SHELL [\"a\"]", "SHELL is not a valid change command"),
            ("ENV", "ENV requires at least one argument"),
            ("", "file with no instructions"),
        ] {
            assert_eq!(changed(&[line]).unwrap_err().message, text);
        }
    }
}
