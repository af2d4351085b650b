//! The global options, which stand before the command, with the environment variables behind them.

use std::cell::OnceCell;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use corten_client::Tls;

use super::file::{ConfigFile, directory};
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed};
use crate::option::pair::reason;

/// Their table.
pub(crate) const GLOBAL: &[Flag] = &[
    Flag::new("config", Kind::Text, "Directory of the client's configuration files").default("\"{config}\""),
    Flag::new(
        "context",
        Kind::Text,
        "Name of the context whose engine is used (instead of CORTEN_HOST, DOCKER_HOST and the context chosen with \"context use\")",
    )
    .short('c'),
    Flag::new("debug", Kind::Bool, "Enable debug mode").short('D'),
    Flag::new("host", Kind::List, "Address of the engine to connect to").short('H'),
    Flag::new(
        "log-level",
        Kind::Text,
        "Set the logging level (\"debug\", \"info\", \"warn\", \"error\", \"fatal\")",
    )
    .short('l')
    .default("\"info\""),
    Flag::new("tls", Kind::Bool, "Use TLS; implied by --tlsverify"),
    Flag::new("tlscacert", Kind::Text, "Trust only certificates signed by this CA").default("\"{certificates}/ca.pem\""),
    Flag::new("tlscert", Kind::Text, "Path of the client's TLS certificate").default("\"{certificates}/cert.pem\""),
    Flag::new("tlskey", Kind::Text, "Path of the client's TLS key").default("\"{certificates}/key.pem\""),
    Flag::new("tlsverify", Kind::Bool, "Use TLS and verify the engine"),
    Flag::new("version", Kind::Bool, "Print version information and quit").short('v'),
];

/// What stands before the command.
#[derive(Debug, Default, Clone)]
pub(crate) struct Globals {
    /// `-H`.
    pub(crate) host: Option<String>,
    /// `--context`.
    pub(crate) context: Option<String>,
    /// `--config`.
    pub(crate) config: Option<String>,
    /// `--debug`.
    pub(crate) debug: bool,
    /// The material's files, if TLS is asked for.
    pub(super) tls: Option<TlsFiles>,
    /// The configuration file, once it was read: it complains only once.
    pub(super) file: Rc<OnceCell<ConfigFile>>,
}

/// Where the material lies; an empty path is not read.
#[derive(Debug, Clone)]
pub(super) struct TlsFiles {
    ca: PathBuf,
    cert: PathBuf,
    key: PathBuf,
    skip_verify: bool,
}

impl Globals {
    /// Reads the options that were given.
    pub(crate) fn new(parsed: &Parsed) -> Result<Self, Failure> {
        if parsed.list("host").count() > 1 {
            return Err(Failure::new(
                "Failed to initialize: unable to resolve docker endpoint: Specify only one -H",
            ));
        }
        let level = parsed.text("log-level").unwrap_or("info");
        if ![
            "", "trace", "debug", "info", "warn", "warning", "error", "fatal", "panic",
        ]
        .contains(&level)
        {
            return Err(Failure::new(format!("Unable to parse logging level: {level}")));
        }
        let given = |name: &str| parsed.text(name).map(str::to_owned).filter(|text| !text.is_empty());
        Ok(Self {
            host: parsed.text("host").map(str::to_owned),
            context: given("context"),
            config: given("config"),
            debug: parsed.on("debug"),
            tls: tls_files(parsed),
            file: Rc::default(),
        })
    }

    /// The user's configuration file.
    pub(crate) fn file(&self) -> &ConfigFile {
        self.file.get_or_init(|| ConfigFile::read(self.config.as_deref()))
    }

    /// Whether TLS was asked for by a flag or a variable.
    pub(crate) fn wants_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The material that was asked for; the error is Docker's text.
    pub(super) fn tls(&self) -> Result<Option<Tls>, String> {
        let Some(files) = &self.tls else {
            return Ok(None);
        };
        let read = |path: &PathBuf| match path.as_os_str().is_empty() {
            true => Ok(None),
            false => fs::read(path)
                .map(Some)
                .map_err(|error| format!("open {}: {}", path.display(), reason(&error))),
        };
        Ok(Some(Tls {
            ca: read(&files.ca)?,
            cert: read(&files.cert)?,
            key: read(&files.key)?,
            skip_verify: files.skip_verify,
        }))
    }
}

/// `--tlsverify` turns TLS on even when it says false; own certificate and key may be missing unless named.
fn tls_files(parsed: &Parsed) -> Option<TlsFiles> {
    let verify = parsed.bool("tlsverify").unwrap_or_else(|| set("DOCKER_TLS_VERIFY"));
    let on = parsed.bool("tls").unwrap_or_else(|| set("DOCKER_TLS")) || verify || parsed.is_set("tlsverify");
    let own = |flag: &str, name: &str| match parsed.text(flag) {
        Some(path) => PathBuf::from(path),
        None => Some(certificates().join(name))
            .filter(|path| path.exists())
            .unwrap_or_default(),
    };
    on.then(|| TlsFiles {
        ca: parsed
            .text("tlscacert")
            .map_or_else(|| certificates().join("ca.pem"), PathBuf::from),
        cert: own("tlscert", "cert.pem"),
        key: own("tlskey", "key.pem"),
        skip_verify: !verify,
    })
}

/// Where the material lies by default.
pub(crate) fn certificates() -> PathBuf {
    match env::var_os("DOCKER_CERT_PATH") {
        Some(path) if !path.is_empty() => PathBuf::from(path),
        Some(_) | None => directory(None),
    }
}

fn set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}
