//! `info`: what the engine says about itself.

use std::collections::BTreeMap;

use corten_api::system::{DeviceInfo, SystemInfo};
use corten_base::size;
use serde_json::json;
use serde_json::value::RawValue;

use crate::config::{Globals, context_name};
use crate::dispatch::plugins;
use crate::failure::{BAD_TEMPLATE, Failure};
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::Template;
use crate::plugin::{Metadata, Plugin};
use crate::release;
use crate::verb::{Arguments, Invocation, Verb, block_on};
use crate::{output, schema};

const FLAGS: &[Flag] = &[Flag::new("format", Kind::Text, "Print by a template, or as json").short('f')];

pub(super) const VERB: Verb = Verb {
    names: &["info"],
    shortcut: Some("info"),
    usage: "[OPTIONS]",
    about: "Display system-wide information",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: info,
};

fn info(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let template = match parsed.text("format").filter(|format| !format.is_empty()) {
        Some("json") => Some("{{json .}}"),
        format => format,
    };
    let template = template.map(Template::parse).transpose();
    let template = template.map_err(|error| Failure::from(error).code(BAD_TEMPLATE))?;
    let client = invocation.client()?;
    let answer = block_on(async { Ok(client.info_raw().await?) });
    let broken = |error: serde_json::Error| Failure::new(format!("cannot read the daemon's answer: {error}"));
    match template {
        Some(template) => {
            let text = with_client(&answer?, invocation).map_err(broken)?;
            output::filled(template.fill_only(&text, &schema::INFO))
        }
        None => {
            output::print(&client_text(&invocation.program, &invocation.globals))?;
            let info: SystemInfo = serde_json::from_slice(&answer?).map_err(broken)?;
            let mut page = Page::default();
            page.counts(&info);
            page.parts(&info);
            page.host(&info);
            output::print(&page.0)?;
            for warning in &info.warnings {
                crate::speech::tell(warning);
            }
            Ok(())
        }
    }
}

/// The engine's answer with what there is to say of this program.
fn with_client(answer: &[u8], invocation: &Invocation) -> Result<String, serde_json::Error> {
    let globals = &invocation.globals;
    let client = json!({
        "Debug": globals.debug,
        "Version": release::version(&invocation.program),
        "DefaultAPIVersion": "1.51",
        "GitCommit": release::COMMIT,
        "GoVersion": release::LANGUAGE,
        "BuildTime": release::date(release::BUILT),
        "Os": "linux",
        "Arch": super::version::architecture(),
        "Context": context_name(globals),
        "Plugins": plugins(globals),
    });
    let server: BTreeMap<String, &RawValue> = serde_json::from_slice(answer)?;
    let mut all: BTreeMap<&str, &RawValue> = server.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    let client = serde_json::value::to_raw_value(&client)?;
    all.insert("ClientInfo", &client);
    serde_json::to_string(&all)
}

/// What there is to say of this program and its plugins. Of those that are broken stderr is told.
fn client_text(program: &str, globals: &Globals) -> String {
    let mut text = format!(
        "Client: Corten\n Version:    {}\n Context:    {}\n Debug Mode: {}\n",
        release::version(program),
        context_name(globals),
        globals.debug,
    );
    let (sound, broken): (Vec<Plugin>, Vec<Plugin>) =
        plugins(globals).into_iter().partition(|plugin| plugin.error.is_none());
    if !sound.is_empty() {
        text.push_str(" Plugins:\n");
    }
    for plugin in &sound {
        let Metadata {
            short_description,
            vendor,
            version,
            ..
        } = &plugin.metadata;
        text.push_str(&format!("  {}: {short_description} ({vendor})\n", plugin.name));
        if !version.is_empty() {
            text.push_str(&format!("    Version:  {version}\n"));
        }
        text.push_str(&format!("    Path:     {}\n", plugin.path.display()));
    }
    for plugin in &broken {
        let why = plugin.error.as_deref().unwrap_or_default();
        crate::speech::tell(&format!(
            "WARNING: Plugin {:?} is not valid: {why}",
            plugin.path.display().to_string()
        ));
    }
    text.push_str("\nServer:\n");
    text
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, name: &str, value: impl std::fmt::Display) {
        self.0.push_str(&format!(" {name}: {value}"));
        self.0.push('\n');
    }

    fn heading(&mut self, name: &str) {
        self.0.push_str(&format!(" {name}:\n"));
    }

    fn counts(&mut self, info: &SystemInfo) {
        self.line("Containers", info.containers);
        self.line(" Running", info.containers_running);
        self.line(" Paused", info.containers_paused);
        self.line(" Stopped", info.containers_stopped);
        self.line("Images", info.images);
        self.line("Server Version", &info.server_version);
        self.line("Storage Driver", &info.driver);
        for (name, value) in &info.driver_status {
            self.line(&format!(" {name}"), value);
        }
    }

    fn parts(&mut self, info: &SystemInfo) {
        self.line("Logging Driver", &info.logging_driver);
        self.line("Cgroup Driver", &info.cgroup_driver);
        if !info.cgroup_version.is_empty() {
            self.line("Cgroup Version", &info.cgroup_version);
        }
        self.heading("Plugins");
        self.line(" Volume", info.plugins.volume.join(" "));
        self.line(" Network", info.plugins.network.join(" "));
        if !info.plugins.authorization.is_empty() {
            self.line(" Authorization", info.plugins.authorization.join(" "));
        }
        self.line(" Log", info.plugins.log.join(" "));
        if !info.cdi_spec_dirs.is_empty() {
            self.heading("CDI spec directories");
            self.indented(&info.cdi_spec_dirs);
        }
        if !info.discovered_devices.is_empty() {
            self.heading("Discovered Devices");
            let shown = |device: &DeviceInfo| format!("{}: {}", device.source, device.id);
            self.indented(&info.discovered_devices.iter().map(shown).collect::<Vec<_>>());
        }
        self.line("Swarm", &info.swarm.local_node_state);
        if !info.runtimes.is_empty() {
            let names: Vec<&str> = info.runtimes.keys().map(String::as_str).collect();
            self.line("Runtimes", names.join(" "));
            self.line("Default Runtime", &info.default_runtime);
        }
        self.line("Init Binary", &info.init_binary);
        for (name, commit) in [
            ("containerd version", &info.containerd_commit),
            ("runc version", &info.runc_commit),
            ("init version", &info.init_commit),
        ] {
            self.line(name, &commit.id);
        }
        self.security(info);
    }

    /// `name=seccomp,profile=builtin` becomes a name and its options below.
    fn security(&mut self, info: &SystemInfo) {
        if info.security_options.is_empty() {
            return;
        }
        self.heading("Security Options");
        for option in &info.security_options {
            for pair in option.split(',') {
                let (key, value) = pair.split_once('=').unwrap_or(("name", pair));
                if key == "name" {
                    self.0.push_str(&format!("  {value}\n"));
                } else {
                    let mut letters = key.chars();
                    let first = letters.next().map(|letter| letter.to_ascii_uppercase()).into_iter();
                    let key: String = first.chain(letters).collect();
                    self.0.push_str(&format!("   {key}: {value}\n"));
                }
            }
        }
    }

    fn host(&mut self, info: &SystemInfo) {
        self.line("Kernel Version", &info.kernel_version);
        self.line("Operating System", &info.operating_system);
        self.line("OSType", &info.os_type);
        self.line("Architecture", &info.architecture);
        self.line("CPUs", info.ncpu);
        self.line(
            "Total Memory",
            size::human_binary(u64::try_from(info.mem_total).unwrap_or(0)),
        );
        self.line("Name", &info.name);
        self.line("ID", &info.id);
        self.line("Docker Root Dir", &info.docker_root_dir);
        self.line("Debug Mode", info.debug);
        if info.debug {
            self.line(" File Descriptors", info.n_fd);
            self.line(" Goroutines", info.n_goroutines);
            self.line(" System Time", &info.system_time);
            self.line(" EventsListeners", info.n_events_listener);
        }
        for (name, proxy) in [
            ("HTTP Proxy", &info.http_proxy),
            ("HTTPS Proxy", &info.https_proxy),
            ("No Proxy", &info.no_proxy),
        ] {
            if !proxy.is_empty() {
                self.line(name, proxy);
            }
        }
        if !info.labels.is_empty() {
            self.heading("Labels");
            self.indented(&info.labels);
        }
        self.line("Experimental", info.experimental_build);
        self.registries(info);
        self.line("Live Restore Enabled", info.live_restore_enabled);
        if !info.default_address_pools.is_empty() {
            self.heading("Default Address Pools");
            for pool in &info.default_address_pools {
                self.0
                    .push_str(&format!("   Base: {}, Size: {}\n", pool.base, pool.size));
            }
        }
        self.0.push('\n');
    }

    fn registries(&mut self, info: &SystemInfo) {
        let config = &info.registry_config;
        let insecure = config
            .index_configs
            .values()
            .filter(|index| !index.secure)
            .map(|index| index.name.clone());
        let insecure: Vec<String> = insecure.chain(config.insecure_registry_cidrs.iter().cloned()).collect();
        if !insecure.is_empty() {
            self.heading("Insecure Registries");
            self.indented(&insecure);
        }
        if !config.mirrors.is_empty() {
            self.heading("Registry Mirrors");
            self.indented(&config.mirrors);
        }
    }

    fn indented(&mut self, items: &[String]) {
        for item in items {
            self.0.push_str(&format!("  {item}\n"));
        }
    }
}
