//! Loads an archive into a store, saves it again, and says how long each step took: `load ROOT ARCHIVE`.

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
    println!("{:?} recorded", start.elapsed());
    for image in &loaded {
        let image = store.image(&image.id)?;
        println!("{} {:?} {} bytes", image.id, image.repo_tags(), image.size_bytes);
    }
    let start = Instant::now();
    let names: Vec<String> = loaded.iter().map(|image| image.id.to_string()).collect();
    store.save(&names, &mut std::io::sink())?;
    println!("{:?} saved to nowhere", start.elapsed());
    Ok(())
}
