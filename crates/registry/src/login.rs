//! Whether a registry takes somebody's credentials: asked without them, it says how it wants to be convinced; asked
//! again with them, it says yes or no.
//!
//! ```text
//! GET /v2/                         -> 401 WWW-Authenticate: Basic | Bearer realm=...
//! Basic:   GET /v2/ with name and password
//! Bearer:  GET realm?service&account&offline_token with them -> token, perhaps a refresh token for later;
//!          GET /v2/ with the token
//! ```

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use corten_api::auth::{AuthConfig, AuthResponse};
use corten_api::query::escape;
use http::header::WWW_AUTHENTICATE;
use http::{Method, StatusCode};
use rustls::ClientConfig;
use serde::Deserialize;

use crate::challenge::{self, Challenge};
use crate::exchange::{Answer, ExchangeError, Question, ask};
use crate::server::{Server, ServerError, Trust};

/// As which program we ask for tokens: what registries know.
const CLIENT_ID: &str = "docker";

/// The credentials were not taken. Displays as Docker's text.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The server's name is none.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The registry, or whom it sends us to, cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// It says no.
    #[error("login attempt to {address} failed with status: {status}")]
    Refused {
        /// What was asked.
        address: String,
        /// Number and name.
        status: StatusCode,
    },
    /// Who gives tokens says no, with these words.
    #[error("Get \"{address}\": unauthorized: {message}")]
    Unauthorized {
        /// What was asked.
        address: String,
        /// Its words.
        message: String,
    },
}

impl From<ExchangeError> for LoginError {
    fn from(error: ExchangeError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

/// Tries the credentials at the server they are for. `verify` makes the settings of TLS, with proof or without.
///
/// # Errors
/// They are not taken, or the registry cannot be asked; of several addresses the last one's failure.
pub async fn login(
    auth: &AuthConfig,
    trust: Trust<'_>,
    tls: impl Fn(bool) -> Arc<ClientConfig>,
) -> Result<AuthResponse, LoginError> {
    let server = Server::parse(&auth.serveraddress)?;
    let config = tls(!server.is_insecure(trust));
    let mut failure = None;
    for scheme in server.schemes(trust) {
        let address = format!("{scheme}://{}/v2/", server.host);
        match try_at(&address, auth, &config).await {
            Ok(response) => return Ok(response),
            // In plain text only where nobody could be asked, as a refusal is one.
            Err(error @ (LoginError::Refused { .. } | LoginError::Unauthorized { .. })) => return Err(error),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.unwrap_or(LoginError::Unreachable(String::new())))
}

async fn try_at(address: &str, auth: &AuthConfig, config: &Arc<ClientConfig>) -> Result<AuthResponse, LoginError> {
    let mut question = Question::get(address.to_owned());
    let first = ask(&question, config).await?;
    let mut identity_token = String::new();
    if first.status == StatusCode::UNAUTHORIZED {
        match challenge_of(&first) {
            None => return Err(refused(address, &first)),
            Some(Challenge::Basic) if auth.username.is_empty() => {
                return Err(ExchangeError::new(&question, "no basic auth credentials").into());
            }
            Some(Challenge::Basic) => question.authorization = Some(basic(auth)),
            Some(bearer @ Challenge::Bearer { .. }) => {
                let token = token(address, &bearer, auth, config).await?;
                question.authorization = Some(format!("Bearer {}", token.access()));
                identity_token = token.refresh_token;
            }
        }
    }
    let second = ask(&question, config).await?;
    if second.status != StatusCode::OK {
        return Err(refused(address, &second));
    }
    Ok(AuthResponse {
        identity_token,
        status: "Login Succeeded".to_owned(),
    })
}

fn challenge_of(answer: &Answer) -> Option<Challenge> {
    let values = answer.headers.get_all(WWW_AUTHENTICATE).into_iter();
    challenge::first(values.filter_map(|value| value.to_str().ok()))
}

fn refused(address: &str, answer: &Answer) -> LoginError {
    LoginError::Refused {
        address: address.to_owned(),
        status: answer.status,
    }
}

fn basic(auth: &AuthConfig) -> String {
    format!(
        "Basic {}",
        STANDARD.encode(format!("{}:{}", auth.username, auth.password))
    )
}

/// What the one who gives tokens answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Token {
    token: String,
    access_token: String,
    refresh_token: String,
}

impl Token {
    fn access(&self) -> &str {
        if self.token.is_empty() {
            &self.access_token
        } else {
            &self.token
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refusal {
    details: String,
    message: String,
    errors: Vec<Reason>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reason {
    message: String,
}

async fn token(
    address: &str,
    bearer: &Challenge,
    auth: &AuthConfig,
    config: &Arc<ClientConfig>,
) -> Result<Token, LoginError> {
    let answer = ask(&token_question(bearer, auth), config).await?;
    if answer.status != StatusCode::OK {
        let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
        let first = refusal.errors.into_iter().map(|reason| reason.message).next();
        let texts = [refusal.details, refusal.message, first.unwrap_or_default()];
        let message = texts.into_iter().find(|text| !text.is_empty());
        return Err(LoginError::Unauthorized {
            address: address.to_owned(),
            message: message.unwrap_or_else(|| answer.status.to_string()),
        });
    }
    let token: Token = serde_json::from_slice(&answer.body).unwrap_or_default();
    if token.access().is_empty() {
        let question = Question::get(address.to_owned());
        return Err(ExchangeError::new(
            &question,
            "authorization server did not include a token in the response",
        )
        .into());
    }
    Ok(token)
}

/// With name and password, or with the token that replaces them.
fn token_question(bearer: &Challenge, auth: &AuthConfig) -> Question {
    let Challenge::Bearer { realm, service, scope } = bearer else {
        return Question::get(String::new());
    };
    if !auth.identitytoken.is_empty() {
        let (service, scope, token) = (escape(service), escape(scope), escape(&auth.identitytoken));
        return Question {
            method: Method::POST,
            body: Some(format!(
                "client_id={CLIENT_ID}&grant_type=refresh_token&refresh_token={token}&scope={scope}&service={service}"
            )),
            ..Question::get(realm.clone())
        };
    }
    let mut parameters = Vec::new();
    if !auth.username.is_empty() {
        parameters.push(format!("account={}", escape(&auth.username)));
    }
    parameters.push(format!("client_id={CLIENT_ID}"));
    parameters.push("offline_token=true".to_owned());
    if !scope.is_empty() {
        parameters.push(format!("scope={}", escape(scope)));
    }
    parameters.push(format!("service={}", escape(service)));
    let joint = if realm.contains('?') { '&' } else { '?' };
    Question {
        authorization: (!auth.username.is_empty()).then(|| basic(auth)),
        ..Question::get(format!("{realm}{joint}{}", parameters.join("&")))
    }
}

#[cfg(test)]
mod tests;
