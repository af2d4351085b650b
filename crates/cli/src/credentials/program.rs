//! Programs that keep credentials: `docker-credential-NAME get|store|erase`, a server or JSON on standard input, JSON
//! or a complaint on standard output (the protocol of docker-credential-helpers).

use std::io::Write as _;
use std::process::{Command, Stdio};

use corten_api::auth::AuthConfig;
use serde::{Deserialize, Serialize};

use crate::option::pair::reason;

/// The name under which a token instead of a password is kept.
const TOKEN: &str = "<token>";

/// What programs say when they have nothing.
const NOTHING: [&str; 2] = ["credentials not found in native keychain", "no credentials server URL"];

/// A program failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HelperError {
    #[error("error {act} credentials - err: exec: \"{program}\": {reason}, out: ``")]
    Run {
        act: &'static str,
        program: String,
        reason: String,
    },
    #[error("error {act} credentials - err: exit status {code}, out: `{said}`")]
    Failed { act: &'static str, code: i32, said: String },
    #[error("error getting credentials - the program gave no JSON: {0}")]
    Answer(String),
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Kept {
    #[serde(rename = "ServerURL")]
    server: String,
    username: String,
    secret: String,
}

pub(super) fn get(helper: &str, server: &str) -> Result<AuthConfig, HelperError> {
    let said = match run(helper, "get", "getting", server) {
        Err(HelperError::Failed { said, .. }) if NOTHING.contains(&said.as_str()) => return Ok(AuthConfig::default()),
        said => said?,
    };
    let kept: Kept = serde_json::from_str(&said).map_err(|error| HelperError::Answer(error.to_string()))?;
    let mut auth = AuthConfig {
        serveraddress: server.to_owned(),
        ..AuthConfig::default()
    };
    if kept.username == TOKEN {
        auth.identitytoken = kept.secret;
    } else {
        (auth.username, auth.password) = (kept.username, kept.secret);
    }
    Ok(auth)
}

pub(super) fn store(helper: &str, auth: &AuthConfig) -> Result<(), HelperError> {
    let is_token = !auth.identitytoken.is_empty();
    let kept = Kept {
        server: auth.serveraddress.clone(),
        username: if is_token {
            TOKEN.to_owned()
        } else {
            auth.username.clone()
        },
        secret: if is_token { &auth.identitytoken } else { &auth.password }.clone(),
    };
    let text = serde_json::to_string(&kept).map_err(|error| HelperError::Answer(error.to_string()))?;
    run(helper, "store", "storing", &text).map(drop)
}

pub(super) fn erase(helper: &str, server: &str) -> Result<(), HelperError> {
    match run(helper, "erase", "erasing", server) {
        Err(HelperError::Failed { said, .. }) if NOTHING.contains(&said.as_str()) => Ok(()),
        said => said.map(drop),
    }
}

/// What the program says on standard output.
fn run(helper: &str, verb: &str, act: &'static str, input: &str) -> Result<String, HelperError> {
    let program = format!("docker-credential-{helper}");
    let failed = |error: &std::io::Error| HelperError::Run {
        act,
        program: program.clone(),
        reason: match error.kind() {
            std::io::ErrorKind::NotFound => "executable file not found in $PATH".to_owned(),
            _ => reason(error),
        },
    };
    let mut child = Command::new(&program)
        .arg(verb)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that reads nothing may be content without.
        drop(stdin.write_all(input.as_bytes()));
    }
    let output = child.wait_with_output().map_err(|error| failed(&error))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() {
        return Ok(said);
    }
    Err(HelperError::Failed {
        act,
        code: output.status.code().unwrap_or(-1),
        said,
    })
}
