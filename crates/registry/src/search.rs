//! Repositories of a registry's index: `GET /v1/search`. Texts and limits observed: dockerd 28.5.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use corten_api::Filters;
use corten_api::auth::AuthConfig;
use corten_api::filters::FilterError;
use corten_api::image::ImageSearchResult;
use corten_api::query::escape;
use http::StatusCode;
use rustls::ClientConfig;
use serde::Deserialize;

use crate::exchange::{ExchangeError, Question, ask};
use crate::server::{Server, Trust};

/// The index that has no name.
const HUB_INDEX: &str = "index.docker.io";

/// How many results are asked for where nobody says, and at most.
const USUAL: i64 = 25;
/// See [`USUAL`].
const MOST: i64 = 100;

/// What is looked for.
#[derive(Debug)]
pub struct Search<'a> {
    /// A word, perhaps behind the registry's host and a slash.
    pub term: &'a str,
    /// How many results; 0: as many as usual.
    pub limit: i64,
    /// `is-official`, `is-automated`, `stars`.
    pub filters: &'a Filters,
    /// Whose search it is; empty: nobody's.
    pub auth: &'a AuthConfig,
}

/// There are no results to show. Displays as Docker's text.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// More or fewer than can be asked for.
    #[error("limit {0} is outside the range of [1, {MOST}]")]
    Limit(i64),
    /// A filter, or its value.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// A number of stars that is none.
    #[error("invalid filter 'stars=[{0}]'")]
    Stars(String),
    /// The index says no.
    #[error("Unexpected status code {}", .0.as_u16())]
    Status(StatusCode),
    /// It cannot be asked.
    #[error("{0}")]
    Unreachable(String),
    /// It answers nonsense.
    #[error("error decoding registry search results: {0}")]
    Answer(#[source] serde_json::Error),
}

impl From<ExchangeError> for SearchError {
    fn from(error: ExchangeError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Found {
    results: Vec<ImageSearchResult>,
}

/// What the filters ask for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    official: Option<bool>,
    automated: Option<bool>,
    stars: i64,
}

/// Asks the index of the term's registry.
///
/// # Errors
/// The question is wrong, or the index cannot be asked.
pub async fn search(
    search: &Search<'_>,
    trust: Trust<'_>,
    tls: impl Fn(bool) -> Arc<ClientConfig>,
) -> Result<Vec<ImageSearchResult>, SearchError> {
    let wanted = wanted(search.filters)?;
    let limit = if search.limit == 0 { USUAL } else { search.limit };
    if !(1..=MOST).contains(&limit) {
        return Err(SearchError::Limit(limit));
    }
    let (host, term) = split(search.term);
    let server = Server { host: host.to_owned() };
    let config = tls(!server.is_insecure(trust));
    let mut failure = None;
    for scheme in server.schemes(trust) {
        let address = format!("{scheme}://{host}/v1/search?q={}&n={limit}", escape(term));
        match ask_index(&address, search.auth, &config).await {
            Ok(found) => return Ok(found.into_iter().filter(|result| wanted.fits(result)).collect()),
            Err(error @ SearchError::Unreachable(_)) => failure = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(failure.unwrap_or(SearchError::Unreachable(String::new())))
}

async fn ask_index(
    address: &str,
    auth: &AuthConfig,
    config: &Arc<ClientConfig>,
) -> Result<Vec<ImageSearchResult>, SearchError> {
    let pair = format!("{}:{}", auth.username, auth.password);
    let question = Question {
        authorization: (!auth.username.is_empty()).then(|| format!("Basic {}", STANDARD.encode(pair))),
        ..Question::get(address.to_owned())
    };
    let answer = ask(&question, config).await?;
    if answer.status != StatusCode::OK {
        return Err(SearchError::Status(answer.status));
    }
    let found: Found = serde_json::from_slice(&answer.body).map_err(SearchError::Answer)?;
    Ok(found.results)
}

/// Host of the index, and what it is asked for. A first part that looks like a host is one.
fn split(term: &str) -> (&str, &str) {
    match term.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => match host {
            "docker.io" | HUB_INDEX => (HUB_INDEX, rest.strip_prefix("library/").unwrap_or(rest)),
            host => (host, rest),
        },
        Some(_) | None => (HUB_INDEX, term.strip_prefix("library/").unwrap_or(term)),
    }
}

fn wanted(filters: &Filters) -> Result<Wanted, SearchError> {
    filters.accept_only(&["is-official", "is-automated", "stars"])?;
    let mut stars = 0;
    for value in filters.get("stars") {
        let count: i64 = value.parse().map_err(|_| SearchError::Stars(value.to_owned()))?;
        stars = stars.max(count);
    }
    Ok(Wanted {
        official: filters.boolean("is-official")?,
        automated: filters.boolean("is-automated")?,
        stars,
    })
}

impl Wanted {
    fn fits(&self, result: &ImageSearchResult) -> bool {
        // Nothing is automated any more, whatever an index says (observed).
        self.official.is_none_or(|official| official == result.is_official)
            && self.automated.is_none_or(|automated| !automated)
            && result.star_count >= self.stars
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(pairs: &[(&str, &str)]) -> Filters {
        let mut filters = Filters::default();
        pairs.iter().for_each(|(name, value)| filters.add(name, value));
        filters
    }

    #[test]
    fn indexes_and_terms() {
        for (term, want) in [
            ("nginx", (HUB_INDEX, "nginx")),
            ("library/nginx", (HUB_INDEX, "nginx")),
            ("docker.io/library/nginx", (HUB_INDEX, "nginx")),
            ("localhost:5000/x", ("localhost:5000", "x")),
            ("me/x", (HUB_INDEX, "me/x")),
        ] {
            assert_eq!(split(term), want);
        }
    }

    /// Asked of dockerd 28.5.2.
    #[tokio::test]
    async fn wrong_questions() {
        let ask = async |limit: i64, pairs: &[(&str, &str)]| {
            let question = Search {
                term: "x",
                limit,
                filters: &filters(pairs),
                auth: &AuthConfig::default(),
            };
            let tls = |_| -> Arc<ClientConfig> { panic!("nobody is asked") };
            search(&question, Trust { insecure: &[] }, tls)
                .await
                .unwrap_err()
                .to_string()
        };
        assert_eq!(ask(1000, &[]).await, "limit 1000 is outside the range of [1, 100]");
        assert_eq!(ask(0, &[("foo", "bar")]).await, "invalid filter 'foo'");
        assert_eq!(
            ask(0, &[("is-official", "maybe")]).await,
            "invalid filter 'is-official=[maybe]'"
        );
    }

    #[test]
    fn results_that_fit() {
        let result = |stars, official| ImageSearchResult {
            star_count: stars,
            is_official: official,
            ..ImageSearchResult::default()
        };
        let asked = wanted(&filters(&[("stars", "3"), ("is-official", "true")])).unwrap();
        let fits = [(3, true), (2, true), (9, false)].map(|(stars, official)| asked.fits(&result(stars, official)));
        assert_eq!(fits, [true, false, false]);
    }
}
