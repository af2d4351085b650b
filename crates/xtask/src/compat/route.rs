//! Which endpoint a request's path is one of (pure). Names in paths may contain slashes.

use super::surface::Endpoint;

/// The endpoint of a method and a path, with a version or without.
pub(super) fn find<'a>(endpoints: &'a [Endpoint], method: &str, path: &str) -> Option<&'a Endpoint> {
    let mut segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    if segments.first().is_some_and(|first| first.starts_with("v1.")) {
        segments.remove(0);
    }
    let fits = |endpoint: &&Endpoint| {
        let Some((verb, pattern)) = endpoint.call.split_once(' ') else {
            return false;
        };
        let pattern: Vec<&str> = pattern.trim_matches('/').split('/').collect();
        verb == method && matches(&pattern, &segments)
    };
    endpoints
        .iter()
        .filter(fits)
        .max_by_key(|endpoint| literals(&endpoint.call))
}

fn literals(call: &str) -> usize {
    call.split('/').filter(|segment| !segment.starts_with('{')).count()
}

fn matches(pattern: &[&str], segments: &[&str]) -> bool {
    match (pattern, segments) {
        ([], []) => true,
        ([name, pattern @ ..], [_, ..]) if name.starts_with('{') => {
            (1..=segments.len()).any(|taken| matches(pattern, segments.get(taken..).unwrap_or_default()))
        }
        ([literal, pattern @ ..], [segment, segments @ ..]) => literal == segment && matches(pattern, segments),
        ([], [_, ..]) | ([_, ..], []) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::surface::tests::small;
    use super::*;

    #[test]
    fn paths_find_their_endpoint() {
        let surface = small();
        let call = |method, path| find(&surface.endpoints, method, path).map(|endpoint| endpoint.call.as_str());
        assert_eq!(call("GET", "/v1.51/images/json"), Some("GET /images/json"));
        assert_eq!(call("GET", "/images/a/b:c/json"), Some("GET /images/{name}/json"));
        assert_eq!(call("POST", "/images/json"), None);
        assert_eq!(call("GET", "/images"), None);
    }
}
