//! Making a container for `run` and `create`: options to body, the id file, pulling what is missing.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use corten_api::container::ContainerCreateBody;
use corten_base::reference::{AnyReference, Reference};
use corten_client::{CallError, Client, PullOptions};

use crate::container_config;
use crate::failure::Failure;
use crate::flag::Parsed;
use crate::option::platform;
use crate::progress;
use crate::trust;
use crate::verb::Invocation;

/// What the engine says where the image is not there, or not for the platform asked for.
const MISSING: [&str; 2] = ["No such image", "image with reference "];

/// A container to be made.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) body: ContainerCreateBody,
    name: String,
    platform: String,
    pull: Pull,
    quiet: bool,
    id_file: Option<IdFile>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pull {
    Always,
    Missing,
    Never,
}

impl Order {
    /// Reads the flags.
    pub(super) fn new(invocation: &Invocation, parsed: &Parsed) -> Result<Self, Failure> {
        let pull = match parsed.text("pull").unwrap_or("missing") {
            "always" => Pull::Always,
            "missing" | "" => Pull::Missing,
            "never" => Pull::Never,
            other => {
                return Err(Failure::new(format!(
                    "invalid pull option: '{other}': must be one of \"always\", \"missing\" or \"never\""
                )));
            }
        };
        let mut body = container_config::compile(parsed).map_err(|error| Failure::new(error.to_string()))?;
        add_proxies(&mut body, invocation, parsed)?;
        trust::refuse(&body.config.image, parsed)?;
        let platform = parsed.text("platform").map(str::to_owned);
        let platform = platform
            .or_else(|| std::env::var("DOCKER_DEFAULT_PLATFORM").ok())
            .unwrap_or_default();
        Ok(Self {
            body,
            name: parsed.text_or_empty("name"),
            platform,
            pull,
            quiet: parsed.on("quiet"),
            id_file: parsed
                .text("cidfile")
                .filter(|path| !path.is_empty())
                .map(|path| IdFile(path.to_owned())),
        })
    }

    /// Makes the container and returns its id. Warnings go to standard error.
    pub(super) async fn make(&self, client: &Client) -> Result<String, Failure> {
        platform::encoded(Some(&self.platform))
            .map_err(|error| Failure::new(format!("error parsing specified platform: {error}")))?;
        if let Some(file) = &self.id_file {
            file.reserve()?;
        }
        let made = self.make_pulling(client).await;
        match (&self.id_file, &made) {
            (Some(file), Ok(id)) => file.write(id)?,
            (Some(file), Err(_)) => file.discard(),
            (None, _) => {}
        }
        made
    }

    async fn make_pulling(&self, client: &Client) -> Result<String, Failure> {
        let image = AnyReference::parse(&self.body.config.image).map_err(|error| Failure::new(error.to_string()))?;
        let named = match image {
            AnyReference::Named(reference) => Some(reference.or_latest()),
            AnyReference::Id(_) => None,
        };
        if let (Some(reference), Pull::Always) = (&named, self.pull) {
            self.pull(client, reference).await?;
        }
        let created = match client.create_container(&self.name, &self.platform, &self.body).await {
            Err(error) if self.may_pull(&error) => {
                let Some(reference) = &named else {
                    return Err(error.into());
                };
                if !self.quiet {
                    crate::speech::tell(&format!("Unable to find image '{}' locally", reference.familiar()));
                }
                self.pull(client, reference).await?;
                client.create_container(&self.name, &self.platform, &self.body).await?
            }
            other => other?,
        };
        for warning in &created.warnings {
            crate::speech::tell(&format!("WARNING: {warning}"));
        }
        Ok(created.id)
    }

    fn may_pull(&self, error: &CallError) -> bool {
        self.pull == Pull::Missing
            && error.is_not_found()
            && MISSING.iter().any(|begin| error.message().starts_with(begin))
    }

    async fn pull(&self, client: &Client, reference: &Reference) -> Result<(), Failure> {
        let tag = reference.digest().map(|digest| digest.to_string());
        let tag = tag.or_else(|| reference.tag().map(str::to_owned)).unwrap_or_default();
        let options = PullOptions {
            image: reference.name(),
            tag,
            platform: self.platform.clone(),
            ..PullOptions::default()
        };
        let messages = client.pull_image(&options).await?;
        if self.quiet {
            return progress::show(messages, &mut io::sink(), false).await;
        }
        let mut out = io::stderr();
        let terminal = out.is_terminal();
        progress::show(messages, &mut out, terminal).await
    }
}

/// Adds the variables of the user's proxies that `--env` does not set itself.
fn add_proxies(body: &mut ContainerCreateBody, invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let given = |name: &str| {
        let names = parsed
            .list("env")
            .map(|text| text.split('=').next().unwrap_or_default());
        names.into_iter().any(|known| known == name)
    };
    for (name, value) in invocation.proxies()? {
        if !given(&name) {
            body.config.env.push(format!("{name}={value}"));
        }
    }
    Ok(())
}

/// The file that receives the id; it must not exist before.
#[derive(Debug)]
struct IdFile(String);

impl IdFile {
    fn reserve(&self) -> Result<(), Failure> {
        let path = &self.0;
        if Path::new(path).exists() {
            return Err(Failure::new(format!(
                "container ID file found, make sure the other container isn't running or delete {path}"
            )));
        }
        let made = OpenOptions::new().write(true).create_new(true).open(path);
        made.map(drop).map_err(|error| {
            let reason = crate::option::pair::reason(&error);
            Failure::new(format!("failed to create the container ID file: open {path}: {reason}"))
        })
    }

    fn write(&self, id: &str) -> Result<(), Failure> {
        let written = OpenOptions::new()
            .write(true)
            .open(&self.0)
            .and_then(|mut file| file.write_all(id.as_bytes()));
        written.map_err(|error| Failure::new(format!("failed to write the container ID to the file: {error}")))
    }

    /// Nothing was made: an empty file would stand in the way of the next try.
    fn discard(&self) {
        if let Err(error) = fs::remove_file(&self.0) {
            crate::speech::tell(&format!("cannot remove {}: {error}", self.0));
        }
    }
}
