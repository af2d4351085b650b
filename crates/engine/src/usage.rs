//! What lies on the disk: images with what they share, containers, volumes. For `GET /system/df`.

use std::collections::HashMap;

use corten_api::system::DiskUsage;
use corten_api::volume::VolumeUsage;
use corten_api::{Filters, List};
use corten_base::Digest;

use crate::container::list;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::request::{ImageListOptions, ListOptions};
use crate::{image, volume};

/// Which kinds are to be told of; none named: all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageOptions {
    /// Containers.
    pub containers: bool,
    /// Images.
    pub images: bool,
    /// Volumes.
    pub volumes: bool,
    /// The builder's cache.
    pub build_cache: bool,
}

/// Measures everything that is wanted. Blocks for as long as walking the directories takes.
pub(crate) fn usage(core: &Core, options: UsageOptions) -> Result<DiskUsage> {
    let mut usage = DiskUsage::default();
    if options.images {
        let failed = |error: corten_image::StoreError| Error::caused("measure images", error);
        let layers = core.images.layer_sizes().map_err(failed)?;
        let chains: Vec<Vec<Digest>> = core
            .images
            .list()
            .map_err(failed)?
            .iter()
            .map(|image| image.chain_ids.clone())
            .collect();
        let shared = shared_sizes(&chains, &layers);
        let options = ImageListOptions {
            all: true,
            filters: Filters::default(),
        };
        let mut images = image::list::list(core, &options)?;
        for summary in &mut images {
            let chain = core.images.find(&summary.id).map(|image| image.chain_ids.clone());
            let size = chain.ok().and_then(|chain| shared.get(&chain).copied()).unwrap_or(0);
            summary.shared_size = signed(size);
        }
        usage.layers_size = signed(layers.values().sum());
        usage.images = List::from(images);
    }
    if options.containers {
        let options = ListOptions {
            all: true,
            size: true,
            ..ListOptions::default()
        };
        usage.containers = List::from(list::list(core, &options)?);
    }
    if options.volumes {
        let mut volumes: Vec<_> = volume::list(core, &Filters::default())?
            .volumes
            .iter()
            .cloned()
            .collect();
        for volume in &mut volumes {
            volume.usage_data = Some(VolumeUsage {
                ref_count: i64::try_from(volume::users(core, &volume.name).len()).unwrap_or(i64::MAX),
                size: signed(core.volumes.size(&volume.name)),
            });
        }
        usage.volumes = List::from(volumes);
    }
    if options.build_cache {
        usage.build_cache = List::from(Vec::new());
    }
    Ok(usage)
}

/// For each image, by its layers: the bytes that another image has too (pure).
fn shared_sizes(chains: &[Vec<Digest>], layers: &HashMap<Digest, u64>) -> HashMap<Vec<Digest>, u64> {
    let mut users: HashMap<Digest, u32> = HashMap::new();
    for layer in chains.iter().flatten() {
        *users.entry(*layer).or_default() += 1;
    }
    let shared = |layer: &&Digest| users.get(*layer).is_some_and(|count| *count > 1);
    let size = |layer: &Digest| layers.get(layer).copied().unwrap_or(0);
    chains
        .iter()
        .map(|chain| (chain.clone(), chain.iter().filter(shared).map(size).sum()))
        .collect()
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_images_have_is_shared() {
        let layer = |name: &str| Digest::of(name.as_bytes());
        let layers = [("base", 100), ("one", 10), ("two", 1)].map(|(name, size)| (layer(name), size));
        let (one, two) = (vec![layer("base"), layer("one")], vec![layer("base"), layer("two")]);
        let alone = vec![layer("two")];
        let sizes = shared_sizes(
            &[one.clone(), two.clone(), alone.clone()],
            &layers.into_iter().collect(),
        );
        assert_eq!((sizes[&one], sizes[&two], sizes[&alone]), (100, 101, 1));
    }
}
