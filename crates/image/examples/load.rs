//! Loads an archive into a store, saves it again, and says how long each step took: `load ROOT ARCHIVE SAVED`.

use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, root, archive, saved] = arguments.as_slice() else {
        return Err("usage: load ROOT ARCHIVE SAVED".into());
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
    let names: Vec<String> = loaded
        .iter()
        .map(|image| {
            image
                .references
                .first()
                .map_or_else(|| image.id.to_string(), |name| name.familiar())
        })
        .collect();
    store.save(&names, &mut std::fs::File::create(saved)?)?;
    println!("{:?} saved", start.elapsed());
    Ok(())
}
