//! `port`: where a container's ports are reached.

use corten_api::List;
use corten_api::container::PortBinding;

use crate::failure::Failure;
use crate::flag::{Parsed, Rules};
use crate::output;
use crate::text::ports::host_port;
use crate::verb::{Arguments, Invocation, Verb, block_on};

pub(super) const VERB: Verb = Verb {
    names: &["port"],
    shortcut: Some("port"),
    usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
    about: "List port mappings or a specific mapping for the container",
    arguments: Arguments::Between(1, 2),
    rules: Rules {
        tables: &[],
        interspersed: true,
    },
    run: port,
};

fn port(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let client = invocation.client()?;
    let name = &parsed.arguments[0];
    let container = block_on(async { Ok(client.inspect_container(name).await?) })?;
    let ports = &container.network_settings.ports;
    match parsed.arguments.get(1) {
        Some(wanted) => {
            let (port, protocol) = wanted.split_once('/').unwrap_or((wanted, "tcp"));
            if port.parse::<u16>().is_err() {
                let reason = format!("strconv.ParseUint: parsing {port:?}: invalid syntax");
                return Err(Failure::new(format!("Error: invalid port ({port}): {reason}")));
            }
            match ports
                .get(&format!("{port}/{protocol}"))
                .filter(|bindings| !bindings.is_empty())
            {
                Some(bindings) => output::print(&lines("", bindings)),
                None => Err(Failure::new(format!(
                    "Error: No public port '{wanted}' published for {name}"
                ))),
            }
        }
        None => {
            let mut sorted: Vec<_> = ports.iter().collect();
            sorted.sort_by_key(|(port, _)| {
                let (number, protocol) = port.split_once('/').unwrap_or((port, ""));
                (number.parse::<u16>().unwrap_or(0), protocol.to_owned())
            });
            let text = sorted
                .into_iter()
                .map(|(port, bindings)| lines(&format!("{port} -> "), bindings));
            output::print(&text.collect::<String>())
        }
    }
}

fn lines(before: &str, bindings: &List<PortBinding>) -> String {
    bindings
        .iter()
        .map(|binding| format!("{before}{}\n", host_port(&binding.host_ip, &binding.host_port)))
        .collect()
}
