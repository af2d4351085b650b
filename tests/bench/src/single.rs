//! One container at a time.

use anyhow::Result;

use crate::engine::Engine;
use crate::floor::Floor;
use crate::peers::Peers;
use crate::process;
use crate::sample::{Sample, alternate};
use crate::table::Table;

const ROUNDS: usize = 50;
/// docker and podman take a quarter of a second for each.
const PEER_ROUNDS: usize = 10;

/// `run --rm busybox true` of every engine beside the floor.
pub(crate) fn run(floor: &Floor, corten: &Engine, peers: &Peers, table: &mut Table) -> Result<()> {
    let run = |network: &str| {
        corten
            .command(&["run", "--rm", "--network", network, "busybox", "true"])
            .map(drop)
    };
    let samples = alternate(
        ROUNDS,
        &mut [
            &mut || floor.run(),
            &mut || run("bridge"),
            &mut || run("none"),
            &mut || run("host"),
        ],
    )?;
    let [floor_sample, bridge, none, host] = samples.try_into().map_err(|_| anyhow::anyhow!("four samples"))?;
    table.row(
        "floor: `unshare --fork --pid --mount --uts --ipc --net chroot` of `true`, ms min / median",
        "-",
        floor_sample.text(),
    );
    let against_floor = |sample: &Sample| {
        let (minimum, median) = (
            sample.minimum() / floor_sample.minimum(),
            sample.median() / floor_sample.median(),
        );
        format!("{} ms; {minimum:.2} / {median:.2} times the floor", sample.text())
    };
    table.row(
        "`corten run --rm busybox true`, default network",
        "5 times the floor",
        against_floor(&bridge),
    );
    table.row("the same, `--network none`", "-", against_floor(&none));
    table.row("the same, `--network host`", "-", against_floor(&host));
    if let Some(docker) = &peers.docker {
        let mut ours = || run("bridge");
        let mut theirs = || docker.command(&["run", "--rm", "busybox", "true"]).map(drop);
        let samples = alternate(PEER_ROUNDS, &mut [&mut ours, &mut theirs])?;
        let ratio = samples[1].median() / samples[0].median();
        table.row(
            "`run --rm busybox true` against docker CLI and dockerd",
            "15 times faster",
            format!(
                "docker {} ms, corten {} ms: {ratio:.1} times faster (median)",
                samples[1].text(),
                samples[0].text()
            ),
        );
    }
    if let Some(podman) = &peers.podman {
        let samples = alternate(PEER_ROUNDS, &mut [&mut || run("bridge"), &mut || podman.run()])?;
        let ratio = samples[1].median() / samples[0].median();
        table.row(
            "the same against podman",
            "-",
            format!("podman {} ms: {ratio:.1} times faster (median)", samples[1].text()),
        );
    }
    Ok(())
}

/// create, start, wait, remove without any client program.
pub(crate) fn over_socket(corten: &Engine, peers: &Peers, table: &mut Table) -> Result<()> {
    let ours = alternate(ROUNDS, &mut [&mut || corten.whole_life()])?.remove(0);
    table.row(
        "create, start, wait, remove over the socket, default network, ms min / median",
        "11.5",
        ours.text(),
    );
    if let Some(docker) = &peers.docker {
        let samples = alternate(
            PEER_ROUNDS,
            &mut [&mut || corten.whole_life(), &mut || docker.whole_life()],
        )?;
        let ratio = samples[1].median() / samples[0].median();
        table.row(
            "the same against dockerd",
            "20 times faster",
            format!("dockerd {} ms: {ratio:.1} times faster (median)", samples[1].text()),
        );
    }
    Ok(())
}

/// Processor time of daemon, shims and container processes for each container started and removed.
pub(crate) fn cpu(corten: &Engine, table: &mut Table) -> Result<()> {
    const CONTAINERS: u64 = 100;
    let (daemon, machine) = (process::cpu_ms(corten.pid())?, process::busy_ms()?);
    for _ in 0..CONTAINERS {
        corten.whole_life()?;
    }
    let daemon = (process::cpu_ms(corten.pid())? - daemon) as f64 / CONTAINERS as f64;
    let machine = (process::busy_ms()? - machine) as f64 / CONTAINERS as f64;
    table.row(
        "processor time for one container, ms",
        "15",
        format!("daemon with its reaped shims {daemon:.1}; the whole machine, whatever else it did, {machine:.1}"),
    );
    Ok(())
}
