//! `update`: changes limits and the restart policy of containers.

use corten_api::container::{RestartPolicy, UpdateBody};
use corten_client::Client;

use crate::container_config::bytes;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::option::{decimal, restart};
use crate::output;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new(
        "blkio-weight",
        Kind::Unsigned(16),
        "Relative weight of block I/O, 10 to 1000, or 0 for none",
    )
    .default("0"),
    Flag::new(
        "cpu-period",
        Kind::Integer,
        "Length of the scheduler's period in microseconds",
    ),
    Flag::new("cpu-quota", Kind::Integer, "Processor time per period in microseconds"),
    Flag::new(
        "cpu-rt-period",
        Kind::Integer,
        "Length of the real-time period in microseconds",
    ),
    Flag::new(
        "cpu-rt-runtime",
        Kind::Integer,
        "Real-time processor time per period in microseconds",
    ),
    Flag::new("cpu-shares", Kind::Integer, "Relative weight of processor time").short('c'),
    Flag::new("cpus", Kind::Decimal, "Number of processors"),
    Flag::new("cpuset-cpus", Kind::Text, "Processors to run on (0-3, 0,1)"),
    Flag::new("cpuset-mems", Kind::Text, "Memory nodes to use (0-3, 0,1)"),
    Flag::new("kernel-memory", Kind::Bytes, "").hidden(),
    Flag::new("memory", Kind::Bytes, "Most memory").short('m'),
    Flag::new(
        "memory-reservation",
        Kind::Bytes,
        "Memory it is pressed down to when memory is short",
    ),
    Flag::new(
        "memory-swap",
        Kind::SwapBytes,
        "Most memory and swap together: '-1' for unlimited swap",
    ),
    Flag::new(
        "pids-limit",
        Kind::Integer,
        "Most processes and threads (-1 for unlimited)",
    ),
    Flag::new("restart", Kind::Text, "What happens when the container exits"),
];

pub(super) const VERB: Verb = Verb {
    names: &["update"],
    shortcut: Some("update"),
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Update configuration of one or more containers",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: update,
};

fn update(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    if !FLAGS.iter().any(|flag| parsed.is_set(flag.name)) {
        return Err(Failure::new(
            "you must provide one or more flags when using this command",
        ));
    }
    let body = body(parsed)?;
    let client = invocation.client()?;
    block_on(update_all(&client, &parsed.arguments, &body))
}

fn body(parsed: &Parsed) -> Result<UpdateBody, Failure> {
    let number = |flag| parsed.integer(flag).unwrap_or(0);
    let weight = parsed.unsigned("blkio-weight").unwrap_or(0);
    let policy = parsed.text("restart").filter(|text| !text.is_empty());
    let restart_policy = match policy {
        Some(text) => restart::parse(text).map_err(|error| Failure::new(error.to_string()))?,
        None => RestartPolicy::default(),
    };
    Ok(UpdateBody {
        cpu_shares: number("cpu-shares"),
        memory: bytes(parsed, "memory"),
        nano_cpus: parsed
            .text("cpus")
            .map_or(0, |text| decimal::parse_nano(text).expect("checked when it was read")),
        blkio_weight: u16::try_from(weight).unwrap_or(u16::MAX),
        cpu_period: number("cpu-period"),
        cpu_quota: number("cpu-quota"),
        cpu_realtime_period: number("cpu-rt-period"),
        cpu_realtime_runtime: number("cpu-rt-runtime"),
        cpuset_cpus: parsed.text_or_empty("cpuset-cpus"),
        cpuset_mems: parsed.text_or_empty("cpuset-mems"),
        memory_reservation: bytes(parsed, "memory-reservation"),
        memory_swap: bytes(parsed, "memory-swap"),
        pids_limit: parsed.integer("pids-limit"),
        restart_policy,
    })
}

async fn update_all(client: &Client, names: &[String], body: &UpdateBody) -> Result<(), Failure> {
    let (mut warnings, mut errors) = (Vec::new(), Vec::new());
    for name in names {
        match client.update_container(name, body).await {
            Ok(answer) => {
                output::line(name)?;
                warnings.extend(answer.warnings);
            }
            Err(error) if error.is_unreachable() => return Err(error.into()),
            Err(error) => errors.push(error.to_string()),
        }
    }
    if !warnings.is_empty() {
        output::line(&warnings.join("\n"))?;
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(errors.join("\n")))
    }
}
