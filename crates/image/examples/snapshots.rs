//! How long the store's part of a container's life takes: `snapshots ROOT [COUNT]`.

use std::path::Path;
use std::time::{Duration, Instant};

use corten_base::ContainerId;
use corten_image::Store;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let root = Path::new(arguments.get(1).ok_or("usage: snapshots ROOT [COUNT]")?);
    let count: usize = arguments.get(2).map_or(Ok(200), |text| text.parse())?;
    let store = Store::open(root)?;
    store.ensure_hello_world()?;
    let containers: Vec<ContainerId> = (0..count).map(id).collect();
    let mut find = Vec::new();
    let mut create = Vec::new();
    for container in &containers {
        let start = Instant::now();
        let image = store.find("hello-world")?;
        find.push(start.elapsed());
        let start = Instant::now();
        store.create_snapshot(container, &image.id)?;
        create.push(start.elapsed());
    }
    drop(store);
    let start = Instant::now();
    let store = Store::open(root)?;
    println!("open with {count} snapshots: {:?}", start.elapsed());
    let mut remove = Vec::new();
    for container in &containers {
        let start = Instant::now();
        store.remove_snapshot(container)?;
        remove.push(start.elapsed());
    }
    for (name, times) in [("find", find), ("create", create), ("remove", remove)] {
        report(name, times);
    }
    Ok(())
}

fn report(name: &str, mut times: Vec<Duration>) {
    times.sort();
    println!(
        "{name}: min {:?} median {:?} max {:?}",
        times[0],
        times[times.len() / 2],
        times[times.len() - 1]
    );
}

fn id(number: usize) -> ContainerId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    ContainerId::from_random(bytes)
}
