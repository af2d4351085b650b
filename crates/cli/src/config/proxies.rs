//! `proxies` of the configuration file: variables that every new container gets, unless it is given its own.

use super::ConfigFile;

/// Name and value of each variable for containers of the engine at `host`, both ways of writing its name.
pub(crate) fn proxies(config: &ConfigFile, host: &str) -> Vec<(String, String)> {
    let found = config.proxies.get(host).or_else(|| config.proxies.get("default"));
    let Some(proxy) = found else {
        return Vec::new();
    };
    [
        ("HTTP_PROXY", &proxy.http_proxy),
        ("HTTPS_PROXY", &proxy.https_proxy),
        ("NO_PROXY", &proxy.no_proxy),
        ("FTP_PROXY", &proxy.ftp_proxy),
        ("ALL_PROXY", &proxy.all_proxy),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .flat_map(|(name, value)| [(name.to_owned(), value.clone()), (name.to_lowercase(), value.clone())])
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::Proxy;

    #[test]
    fn by_engine_or_default() {
        let proxy = |http: &str| Proxy {
            http_proxy: http.to_owned(),
            ..Proxy::default()
        };
        let mut config = ConfigFile::default();
        assert!(proxies(&config, "unix:///x").is_empty());
        config.proxies.insert("default".to_owned(), proxy("http://d"));
        config.proxies.insert("tcp://far:1".to_owned(), proxy("http://f"));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            proxies(&config, "unix:///x"),
            [pair("HTTP_PROXY", "http://d"), pair("http_proxy", "http://d")]
        );
        assert_eq!(proxies(&config, "tcp://far:1")[0], pair("HTTP_PROXY", "http://f"));
    }
}
