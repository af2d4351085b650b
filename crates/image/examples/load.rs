//! Loads an archive into a store and says how long each step took: `load ROOT ARCHIVE`.

use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, root, archive] = arguments.as_slice() else {
        return Err("usage: load ROOT ARCHIVE".into());
    };
    let store = corten_image::Store::open(Path::new(root))?;
    let start = Instant::now();
    let loaded = store.load(&mut std::fs::File::open(archive)?, &mut |event| {
        println!("{:?} {event:?}", start.elapsed())
    })?;
    println!("{:?} loaded {loaded:?}", start.elapsed());
    Ok(())
}
