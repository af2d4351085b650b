//! What the daemon is to be: from the command line and `daemon.json` to typed settings.

pub mod about;
mod check;
pub mod file;
pub mod flag;
mod live;
mod network;
mod source;
mod transport;
pub mod values;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use corten_engine::{CgroupDriver, Config};
use tracing::level_filters::LevelFilter;

use crate::listen::server_config;
use crate::log::Format;
pub use live::{Fixed, Live, Proxies};
pub use source::Source;
pub use transport::Transport;
use values::Values;

/// Set by the service: the group above all containers', where `cgroup-parent` is not set.
const CGROUP_PARENT: &str = "CORTEN_CGROUP_PARENT";

/// The only option of `exec-opt`.
const DRIVER: &str = "native.cgroupdriver=";

/// Set by the service: [`Settings::stop_file`].
const STOP_FILE: &str = "CORTEN_STOP_FILE";

/// Whose defaults apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personality {
    /// Corten's.
    Corten,
    /// Docker's: started under the name `dockerd`.
    Docker,
}

/// The settings of one daemon.
#[derive(Debug)]
pub struct Settings {
    /// For the engine.
    pub engine: Config,
    /// Where to listen.
    pub transport: Transport,
    /// Process id file.
    pub pidfile: PathBuf,
    /// What is logged when debug mode is off.
    pub level: LevelFilter,
    /// How it looks.
    pub log_format: Format,
    /// What a reload may change.
    pub live: Live,
    /// Where a reload reads.
    pub source: Source,
    /// What outgoing calls go through.
    pub proxies: Proxies,
    /// Where metrics are served.
    pub metrics: Option<String>,
    /// Whether experimental features were asked for.
    pub experimental: bool,
    /// For the log: flags and keys that were given in vain, paths that depend on the working directory.
    pub remarks: Vec<String>,
    /// A file whose presence at the daemon's end means that the containers end too.
    pub stop_file: Option<PathBuf>,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Serve.
    Run(Box<Settings>),
    /// Only say that the settings are good.
    Validate,
    /// Only remove what an ended daemon has left in the kernel.
    Clean(Box<Settings>),
    /// Only tell the version.
    Version,
    /// Only tell the flags.
    Help,
}

/// Reads the command line and the configuration file.
///
/// # Errors
/// What is wrong with them, in Docker's words where it has them.
pub fn read(program: &str, arguments: &[String]) -> Result<Command> {
    let personality = match Path::new(program).file_name().and_then(|name| name.to_str()) {
        Some("dockerd") => Personality::Docker,
        _ => Personality::Corten,
    };
    let flags = values::from_arguments(program, arguments)?;
    if is_set(&flags, "version") {
        return Ok(Command::Version);
    }
    if is_set(&flags, "help") {
        return Ok(Command::Help);
    }
    let (validate, clean) = (is_set(&flags, "validate"), is_set(&flags, "clean"));
    let source = Source::new(personality, flags);
    let values = source.values()?;
    let settings = build(personality, &values, source)?;
    if clean {
        return Ok(Command::Clean(Box::new(settings)));
    }
    if !validate {
        return Ok(Command::Run(Box::new(settings)));
    }
    if let Some(files) = &settings.transport.tls {
        server_config(files).context("invalid TLS configuration")?;
    }
    Ok(Command::Validate)
}

fn build(personality: Personality, values: &Values, source: Source) -> Result<Settings> {
    let engine = engine(personality, values)?;
    let transport = transport::transport(personality, values, &engine.run)?;
    let pidfile = match (last(values, "pidfile"), personality) {
        (Some(path), _) => path.into(),
        (None, Personality::Corten) => engine.run.join("cortend.pid"),
        (None, Personality::Docker) => "/run/docker.pid".into(),
    };
    Ok(Settings {
        transport,
        pidfile,
        level: level(last(values, "log-level"))?,
        log_format: match last(values, "log-format") {
            Some("json") => Format::Json,
            _ => Format::Text,
        },
        live: Live::of(values),
        source,
        proxies: Proxies::read(values, environment),
        metrics: last(values, "metrics-addr")
            .filter(|address| !address.is_empty())
            .map(str::to_owned),
        experimental: is_set(values, "experimental"),
        remarks: remarks(values),
        stop_file: environment(STOP_FILE).map(PathBuf::from),
        engine,
    })
}

/// What the log says about what was given.
fn remarks(values: &Values) -> Vec<String> {
    let vain = flag::FLAGS
        .iter()
        .filter_map(|flag| flag.remark(values.get(flag.name)?));
    let relative = ["data-root", "exec-root"].into_iter().filter_map(|name| {
        let path = last(values, name).filter(|path| !path.starts_with('/'))?;
        let used = absolute(path).ok()?;
        Some(format!("--{name} {path} is relative: using {}", used.display()))
    });
    vain.chain(relative).collect()
}

fn engine(personality: Personality, values: &Values) -> Result<Config> {
    let mut config = match personality {
        Personality::Corten => Config::corten(),
        Personality::Docker => Config::docker(),
    };
    config.version = crate::release::ANNOUNCED.to_owned();
    programs(&mut config)?;
    if let Some(path) = last(values, "data-root") {
        config.data = absolute(path)?;
    }
    if let Some(path) = last(values, "exec-root") {
        config.run = absolute(path)?;
    }
    if let Some(user) = last(values, "userns-remap") {
        user.clone_into(&mut config.userns_remap);
    }
    config.cgroup_driver = list(values, "exec-opt").last().and_then(|option| driver(option));
    if let Some(parent) = last(values, "cgroup-parent") {
        parent.clone_into(&mut config.slice);
        config.cgroup_parent = parent.trim_matches('/').to_owned();
    } else if let Some(parent) = environment(CGROUP_PARENT) {
        config.cgroup_parent = parent.trim_matches('/').to_owned();
        config.cgroup_parent_is_given = true;
    }
    if let Some(path) = last(values, "init-path") {
        config.init = absolute(path)?;
        config.init_name = path.to_owned();
    }
    config.means = network::means(values)?;
    config.bridge = network::bridge(config.bridge.take().unwrap_or_default(), values)?;
    containers(&mut config, values)?;
    Ok(config)
}

/// What `native.cgroupdriver=` names. Everything else was refused before.
fn driver(option: &str) -> Option<CgroupDriver> {
    match option.strip_prefix(DRIVER)? {
        "systemd" => Some(CgroupDriver::Systemd),
        "cgroupfs" => Some(CgroupDriver::Cgroupfs),
        _ => None,
    }
}

/// Our other programs lie beside this one.
fn programs(config: &mut Config) -> Result<()> {
    let own = std::env::current_exe().context("find this program's own path")?;
    let beside = own.parent().context("this program lies in a directory")?;
    config.shim = beside.join("corten-shim");
    config.init = beside.join("corten-init");
    Ok(())
}

/// What containers get unless they say otherwise.
fn containers(config: &mut Config, values: &Values) -> Result<()> {
    config.default_init = is_set(values, "init");
    config.no_new_privileges = is_set(values, "no-new-privileges");
    config.live_restore = boolean_or(values, "live-restore", config.live_restore);
    config.labels = list(values, "label").to_vec();
    config.host_gateways = host_gateways(values)?;
    if let Some(directories) = values.get("cdi-spec-dir") {
        let given = directories.iter().filter(|directory| !directory.is_empty());
        config.cdi_directories = Some(given.map(PathBuf::from).collect());
    }
    if Live::of(values).feature("cdi") == Some(false) {
        config.cdi_directories = None;
    }
    config.cdi_directories.take_if(|directories| directories.is_empty());
    config.dns = list(values, "dns").to_vec();
    config.dns_options = list(values, "dns-opt").to_vec();
    config.dns_search = list(values, "dns-search").to_vec();
    if let Some(driver) = last(values, "log-driver") {
        config.log_driver = driver.to_owned();
    }
    for option in list(values, "log-opt") {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        config.log_options.insert(name.to_owned(), value.to_owned());
    }
    for option in list(values, "default-network-opt") {
        let (driver, options) =
            network::options(option).with_context(|| format!("invalid default network option: {option}"))?;
        config.network_options.entry(driver).or_default().extend(options);
    }
    for limit in list(values, "default-ulimit") {
        let (name, limits) = ulimit(limit).with_context(|| format!("invalid ulimit argument: {limit}"))?;
        config.ulimits.insert(name, limits);
    }
    if let Some(mode) = last(values, "default-ipc-mode").filter(|mode| !mode.is_empty()) {
        config.ipc_mode = mode.to_owned();
    }
    config.cgroupns_mode = last(values, "default-cgroupns-mode")
        .filter(|mode| !mode.is_empty())
        .map(str::to_owned);
    if let Some(size) = last(values, "default-shm-size") {
        config.shm_size_bytes =
            corten_base::size::parse_binary(size).with_context(|| format!("invalid default shm size: {size}"))?;
    }
    config.seccomp_profile = match last(values, "seccomp-profile") {
        None | Some("" | "builtin") => None,
        Some("unconfined") => Some("unconfined".to_owned()),
        Some(path) => {
            Some(std::fs::read_to_string(path).with_context(|| format!("opening seccomp profile ({path}) failed"))?)
        }
    };
    Ok(())
}

/// What `host-gateway` means: one address of each family at most.
fn host_gateways(values: &Values) -> Result<Vec<std::net::IpAddr>> {
    let parse = |text: &String| text.parse().with_context(|| format!("invalid IP address: {text}"));
    let addresses: Vec<std::net::IpAddr> = list(values, "host-gateway-ip")
        .iter()
        .map(parse)
        .collect::<Result<_>>()?;
    for (family, is_of) in [("IPv4", true), ("IPv6", false)] {
        if addresses.iter().filter(|address| address.is_ipv4() == is_of).count() > 1 {
            bail!("only one {family} host gateway IP address can be specified");
        }
    }
    Ok(addresses)
}

/// `name=soft[:hard]`; -1 is unlimited.
fn ulimit(text: &str) -> Option<(String, (i64, i64))> {
    let (name, limits) = text.split_once('=')?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    Some((name.to_owned(), (soft.parse().ok()?, hard.parse().ok()?)))
}

fn level(name: Option<&str>) -> Result<LevelFilter> {
    Ok(match name {
        None | Some("info" | "") => LevelFilter::INFO,
        Some("debug") => LevelFilter::DEBUG,
        Some("trace") => LevelFilter::TRACE,
        Some("warn" | "warning") => LevelFilter::WARN,
        Some("error" | "fatal" | "panic") => LevelFilter::ERROR,
        Some(other) => bail!("invalid logging level: {other}"),
    })
}

fn absolute(path: &str) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot use the path {path:?}"))
}

/// A variable that is set and not empty.
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn last<'a>(values: &'a Values, name: &str) -> Option<&'a str> {
    values.get(name).and_then(|values| values.last()).map(String::as_str)
}

fn list<'a>(values: &'a Values, name: &str) -> &'a [String] {
    values.get(name).map(Vec::as_slice).unwrap_or_default()
}

fn boolean_or(values: &Values, name: &str, default: bool) -> bool {
    last(values, name).map_or(default, |value| value == "true")
}

fn is_set(values: &Values, name: &str) -> bool {
    boolean_or(values, name, false)
}

fn number(values: &Values, name: &str) -> Result<Option<u64>> {
    let number = |text: &str| {
        text.parse()
            .with_context(|| format!("invalid argument {text:?} for \"--{name}\" flag"))
    };
    last(values, name).map(number).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::Address;

    fn settings(program: &str, line: &str) -> Result<Settings> {
        let arguments: Vec<String> = format!("--config-file /dev/null {line}")
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        match read(program, &arguments)? {
            Command::Run(settings) => Ok(*settings),
            other => bail!("{other:?}"),
        }
    }

    #[test]
    fn defaults_follow_the_name() {
        let corten = settings("/usr/bin/cortend", "").unwrap();
        assert_eq!(
            corten.transport.hosts,
            [Address::Unix("/run/corten/corten.sock".into())]
        );
        assert!(corten.engine.live_restore && corten.level == LevelFilter::INFO);
        let docker = settings("dockerd", "").unwrap();
        assert_eq!(docker.transport.hosts, [Address::Unix("/run/docker.sock".into())]);
        assert_eq!(
            (docker.engine.cgroup_parent.as_str(), docker.transport.spare_host),
            ("docker", None)
        );
        assert!(!docker.engine.live_restore);
        let bridge = docker.engine.bridge.unwrap();
        assert_eq!(
            (bridge.bridge.as_str(), bridge.table.as_str()),
            ("docker0", "corten-docker0")
        );
    }

    #[test]
    fn control_groups() {
        let usual = settings("cortend", "").unwrap().engine;
        assert_eq!((usual.cgroup_driver, usual.slice.as_str()), (None, "system.slice"));
        let line = "--exec-opt native.cgroupdriver=systemd --cgroup-parent my.slice";
        let asked = settings("cortend", line).unwrap().engine;
        assert_eq!(
            (asked.cgroup_driver, asked.slice.as_str()),
            (Some(CgroupDriver::Systemd), "my.slice")
        );
        let wrong = settings("cortend", "--exec-opt native.cgroupdriver=x").unwrap_err();
        assert!(
            format!("{wrong:#}").contains("native.cgroupdriver option x not supported"),
            "{wrong:#}"
        );
    }

    #[test]
    fn directories_of_vendors_devices_and_the_hosts_gateway() {
        let directories = |line: &str| settings("cortend", line).unwrap().engine.cdi_directories;
        let paths = |paths: &[&str]| Some(paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(directories(""), paths(&["/etc/cdi", "/var/run/cdi"]));
        assert_eq!(directories("--feature cdi"), paths(&["/etc/cdi", "/var/run/cdi"]));
        assert_eq!(directories("--cdi-spec-dir /a --cdi-spec-dir /b"), paths(&["/a", "/b"]));
        assert_eq!(directories("--cdi-spec-dir="), None);
        assert_eq!(directories("--cdi-spec-dir /a --feature cdi=false"), None);
        let values = |text: &str| file::from_file(text).unwrap();
        assert!(values(r#"{"cdi-spec-dirs":[]}"#).contains_key("cdi-spec-dir"));
        let gateways = |line: &str| settings("cortend", line).map(|settings| settings.engine.host_gateways.len());
        assert_eq!(
            gateways("--host-gateway-ip 1.2.3.4 --host-gateway-ip fe80::1").unwrap(),
            2
        );
        for (line, why) in [
            ("--host-gateway-ip x", "ParseAddr(\"x\"): unable to parse IP"),
            (
                "--host-gateway-ip 1.2.3.4 --host-gateway-ip 1.2.3.5",
                "only one IPv4 host gateway IP address can be specified",
            ),
        ] {
            let error = format!("{:#}", gateways(line).unwrap_err());
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn what_is_given_in_vain_is_remarked() {
        let line = "--containerd /run/c.sock --raw-logs=false --iptables=true --data-root some/where --exec-root /e";
        let remarks = settings("cortend", line).unwrap().remarks;
        let used = std::path::absolute("some/where").unwrap();
        let relative = format!("--data-root some/where is relative: using {}", used.display());
        assert_eq!(remarks, ["--containerd has no effect in Corten", relative.as_str()]);
        let later = settings("cortend", "--node-generic-resource gpu=1").unwrap().remarks;
        assert_eq!(later, ["--node-generic-resource gpu=1 does nothing yet"]);
        let features = "--feature buildkit=true --feature containerd-snapshotter=true --add-runtime a=/x";
        assert_eq!(
            settings("cortend", features).unwrap().remarks,
            [
                "--add-runtime a=/x does nothing yet",
                "--feature containerd-snapshotter=true does nothing yet"
            ]
        );
        assert!(settings("cortend", "").unwrap().remarks.is_empty());
    }

    #[test]
    fn a_second_daemon_keeps_to_its_own() {
        let line =
            "-H unix:///a/b.sock --data-root /d --exec-root /e --bridge br7 --bip 10.7.0.1/24 --cgroup-parent /x/";
        let second = settings("cortend", line).unwrap();
        assert_eq!(second.transport.spare_host, None);
        assert_eq!(
            (second.pidfile, second.engine.cgroup_parent.as_str()),
            ("/e/cortend.pid".into(), "x")
        );
        let bridge = second.engine.bridge.unwrap();
        assert_eq!((bridge.bridge.as_str(), bridge.table.as_str()), ("br7", "corten-br7"));
        assert_eq!(bridge.gateway, Some(([10, 7, 0, 1].into(), 24)));
        assert!(settings("cortend", "--bridge none").unwrap().engine.bridge.is_none());
    }

    #[test]
    fn bad_values_say_which() {
        let message = |line| format!("{:#}", settings("cortend", line).unwrap_err());
        assert_eq!(
            message("--log-level loud"),
            "unable to configure the Docker daemon with file /dev/null: merged configuration validation from file and \
             command line flags failed: invalid logging level: loud"
        );
        assert!(message("--bip x").contains("x"));
        assert!(message("-H bogus://x").contains("bogus"));
        assert!(message("--default-ulimit nofile").contains("invalid ulimit argument: nofile"));
        assert!(message("--seccomp-profile /does/not/exist").contains("/does/not/exist"));
    }
}
