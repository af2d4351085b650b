//! Credentials for registries, as Docker's client keeps them: in `config.json`, or with a program that the file
//! names for all registries (`credsStore`) or for one (`credHelpers`).
//!
//! ```text
//! {"auths": {"reg:5000": {"auth": base64("name:password"), "identitytoken": "..."}},
//!  "credsStore": "pass", "credHelpers": {"reg.example": "ecr-login"}}
//! ```
//! A registry whose credentials a program keeps has an empty entry in `auths`.

mod file;
mod program;

use corten_api::auth::AuthConfig;
use corten_base::reference::Reference;

use crate::config::{ConfigFile, Globals, RewriteError, directory};

pub(crate) use file::Entry;
pub(crate) use program::HelperError;

/// What Docker Hub's credentials are kept under.
pub(crate) const HUB: &str = "https://index.docker.io/v1/";

/// Credentials cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    #[error(transparent)]
    Helper(#[from] HelperError),
    #[error(transparent)]
    File(#[from] RewriteError),
}

/// Where the credentials of one registry are kept.
#[derive(Debug)]
pub(crate) struct Keeper<'a> {
    config: &'a ConfigFile,
    directory: std::path::PathBuf,
    server: &'a str,
    /// The helper's name, if a program keeps them.
    helper: Option<&'a str>,
}

impl<'a> Keeper<'a> {
    pub(crate) fn of(globals: &'a Globals, server: &'a str) -> Self {
        let config = globals.file();
        let own = config.credential_helpers.get(server).map(String::as_str);
        let helper = own.or(Some(config.credentials_store.as_str()));
        Self {
            config,
            directory: directory(globals.config.as_deref()),
            server,
            helper: helper.filter(|name| !name.is_empty()),
        }
    }

    /// What is kept; empty if nothing is.
    pub(crate) fn get(&self) -> Result<AuthConfig, CredentialsError> {
        match self.helper {
            Some(helper) => Ok(program::get(helper, self.server)?),
            None => Ok(file::get(&self.config.auths, self.server)),
        }
    }

    /// Keeps them. Returns the file that has them in plain sight now, if one has and did not before.
    pub(crate) fn store(&self, auth: &AuthConfig) -> Result<Option<std::path::PathBuf>, CredentialsError> {
        if let Some(helper) = self.helper {
            program::store(helper, auth)?;
            file::store(&self.directory, self.server, None)?;
            return Ok(None);
        }
        let kept = file::get(&self.config.auths, self.server);
        let same = (&kept.username, &kept.password, &kept.identitytoken)
            == (&auth.username, &auth.password, &auth.identitytoken);
        if same && self.config.auths.contains_key(self.server) {
            return Ok(None);
        }
        file::store(&self.directory, self.server, Some(auth))?;
        Ok((!auth.password.is_empty()).then(|| self.directory.join("config.json")))
    }

    /// Forgets them; fine if there are none.
    pub(crate) fn erase(&self) -> Result<(), CredentialsError> {
        if let Some(helper) = self.helper {
            program::erase(helper, self.server)?;
        }
        if self.config.auths.contains_key(self.server) {
            file::erase(&self.directory, self.server)?;
        }
        Ok(())
    }
}

/// What is kept for the registry of an image; nothing where a program fails, as in Docker.
pub(crate) fn for_image(globals: &Globals, reference: &Reference) -> AuthConfig {
    let server = match reference.domain() {
        "docker.io" => HUB,
        domain => domain,
    };
    for_server(globals, server)
}

/// What is kept for a registry; nothing where a program fails, as in Docker.
pub(crate) fn for_server(globals: &Globals, server: &str) -> AuthConfig {
    let mut auth = Keeper::of(globals, server).get().unwrap_or_default();
    if auth != AuthConfig::default() {
        server.clone_into(&mut auth.serveraddress);
    }
    auth
}

/// The host in what people write as a registry's address.
pub(crate) fn host_of(server: &str) -> &str {
    let bare = server
        .strip_prefix("http://")
        .or_else(|| server.strip_prefix("https://"))
        .unwrap_or(server);
    bare.split('/').next().unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (server, host) in [
            ("https://reg.example/v1/", "reg.example"),
            ("http://a:5000", "a:5000"),
            ("a:5000", "a:5000"),
        ] {
            assert_eq!(host_of(server), host);
        }
    }
}
