//! `login`: tries credentials at a registry and keeps them. Texts and order observed: docker 28.2.

use std::io::{self, BufRead as _, Read as _};

use corten_api::auth::AuthConfig;

use crate::credentials::{HUB, Keeper, host_of};
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::speech::tell;
use crate::verb::{Arguments, Invocation, Verb, block_on};
use crate::{output, terminal};

const FLAGS: &[Flag] = &[
    Flag::new("password", Kind::Text, "Password or access token").short('p'),
    Flag::new(
        "password-stdin",
        Kind::Bool,
        "Take the password or access token from stdin",
    ),
    Flag::new("username", Kind::Text, "User name").short('u'),
];

pub(super) const VERB: Verb = Verb {
    names: &["login"],
    shortcut: Some("login"),
    usage: "[OPTIONS] [SERVER]",
    about: "Authenticate to a registry",
    arguments: Arguments::AtMost(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: login,
};

fn login(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let given = given(parsed)?;
    let server = match parsed.arguments.first().map(String::as_str) {
        None | Some("" | "docker.io") => HUB,
        Some(HUB) => HUB,
        Some(server) => host_of(server),
    };
    let keeper = Keeper::of(&invocation.globals, server);
    let mut kept = AuthConfig::default();
    if given.username.is_empty() && given.password.is_empty() {
        // What cannot be read is asked for.
        kept = keeper.get().unwrap_or_default();
    }
    if !kept.username.is_empty() && !kept.password.is_empty() {
        let name = &kept.username;
        let program = &invocation.program;
        tell(&format!(
            "Authenticating with existing credentials... [Username: {name}]\n\n Info -> To login with a different account, run '{program} logout' followed by '{program} login'\n\n"
        ));
        match attempt(invocation, &keeper, kept.clone()) {
            Ok(status) => return output::line(&status),
            Err(failure) => tell(&format!("Login did not succeed, error: {}", failure.text)),
        }
    }
    let auth = ask(given, &kept.username, server)?;
    let status = attempt(invocation, &keeper, auth)?;
    if status.is_empty() {
        Ok(())
    } else {
        output::line(&status)
    }
}

/// What flags and standard input say.
fn given(parsed: &Parsed) -> Result<AuthConfig, Failure> {
    let mut auth = AuthConfig {
        username: parsed.text_or_empty("username"),
        password: parsed.text_or_empty("password"),
        ..AuthConfig::default()
    };
    if parsed.is_set("username") && auth.username.is_empty() {
        return Err(Failure::new("username is empty"));
    }
    if !auth.password.is_empty() {
        if parsed.on("password-stdin") {
            return Err(Failure::new(
                "conflicting options: cannot specify both --password and --password-stdin",
            ));
        }
        tell("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
    }
    if parsed.on("password-stdin") {
        if auth.username.is_empty() {
            return Err(Failure::new(
                "the --password-stdin option requires --username to be set",
            ));
        }
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        auth.password = text.trim_end_matches(['\n', '\r']).to_owned();
    }
    Ok(auth)
}

/// Asks for what is missing.
fn ask(mut auth: AuthConfig, known: &str, server: &str) -> Result<AuthConfig, Failure> {
    server.clone_into(&mut auth.serveraddress);
    if !auth.username.is_empty() && !auth.password.is_empty() {
        return Ok(auth);
    }
    if !terminal::is_terminal() {
        return Err(Failure::new(
            "Error: Cannot perform an interactive login from a non TTY device",
        ));
    }
    if auth.username.is_empty() {
        if server == HUB {
            output::line(
                "Log in with your Docker ID or email address to push and pull images from Docker Hub. If you don't have a Docker ID, head over to https://hub.docker.com/ to create one.\nYou can log in with your password or a Personal Access Token (PAT). Using a limited-scope PAT grants better security and is required for organizations using SSO. Learn more at https://docs.docker.com/go/access-tokens/\n",
            )?;
        }
        let hint = if known.is_empty() {
            String::new()
        } else {
            format!(" ({known})")
        };
        output::print(&format!("Username{hint}: "))?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        let line = line.trim();
        auth.username = if line.is_empty() { known } else { line }.to_owned();
        if auth.username.is_empty() {
            return Err(Failure::new("username is required"));
        }
    }
    if auth.password.is_empty() {
        output::print("Password: ")?;
        auth.password = terminal::read_unseen()?.trim().to_owned();
        output::line("")?;
        if auth.password.is_empty() {
            return Err(Failure::new("password is required"));
        }
    }
    Ok(auth)
}

/// Tries the credentials through the engine and keeps them if they are good; the registry's word.
fn attempt(invocation: &Invocation, keeper: &Keeper<'_>, mut auth: AuthConfig) -> Result<String, Failure> {
    let client = invocation.client()?;
    let response = block_on(async { Ok(client.check_auth(&auth).await?) })?;
    if !response.identity_token.is_empty() {
        auth.password.clear();
        auth.identitytoken = response.identity_token;
    }
    let kept = keeper.store(&auth);
    let seen = kept.map_err(|error| Failure::new(format!("Error saving credentials: {error}")))?;
    if let Some(path) = seen {
        tell(&format!(
            "\nWARNING! Your credentials are stored unencrypted in '{}'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n",
            path.display()
        ));
    }
    Ok(response.status)
}
