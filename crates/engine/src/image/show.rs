//! One image in the API's shapes: inspect and history.

use corten_api::container::{DriverData, HealthConfig};
use corten_api::image::{ImageConfig, ImageHistoryItem, ImageInspect, ImageMetadata, RootFs};
use corten_api::{Empty, List, Map, StringList};
use corten_image::Image;

use super::{find_error, of_kind};
use crate::core::Core;
use crate::error::Result;

/// Everything about an image.
pub(crate) fn inspect(core: &Core, name: &str) -> Result<ImageInspect> {
    let image = core.images.find(name).map_err(|error| find_error(name, &error))?;
    Ok(shown(&image))
}

fn shown(image: &Image) -> ImageInspect {
    let config = &image.config;
    ImageInspect {
        id: image.id.to_string(),
        repo_tags: List::from(image.repo_tags()),
        repo_digests: List::from(image.repo_digests()),
        parent: image.parent.map(|parent| parent.to_string()).unwrap_or_default(),
        comment: comment(config),
        created: config.created.map(|created| created.to_string()).unwrap_or_default(),
        docker_version: config.docker_version.clone(),
        author: config.author.clone(),
        architecture: config.architecture.clone(),
        variant: config.variant.clone(),
        os: config.os.clone(),
        os_version: config.os_version.clone(),
        size: i64::try_from(image.size_bytes).unwrap_or(i64::MAX),
        graph_driver: DriverData {
            data: Map::null(),
            name: "overlay2".to_owned(),
        },
        root_fs: RootFs {
            kind: "layers".to_owned(),
            layers: config.rootfs.diff_ids.iter().map(ToString::to_string).collect(),
        },
        metadata: ImageMetadata {
            last_tag_time: image.last_tagged,
        },
        config: Some(config.config.as_ref().map(inherited).unwrap_or_default()),
    }
}

/// The image's own, or that of its last step.
fn comment(config: &corten_image::ImageConfig) -> String {
    let last = config.history.last().map(|step| step.comment.clone());
    Some(config.comment.clone())
        .filter(|own| !own.is_empty())
        .or(last)
        .unwrap_or_default()
}

fn inherited(config: &corten_image::Config) -> ImageConfig {
    let words = |words: &Option<Vec<String>>| words.clone().map_or_else(StringList::default, StringList::from);
    let set = |keys: &[String]| match keys {
        [] => Map::null(),
        keys => keys.iter().map(|key| (key.clone(), Empty {})).collect(),
    };
    let list = |items: &[String]| {
        if items.is_empty() {
            List::null()
        } else {
            List::from(items.to_vec())
        }
    };
    ImageConfig {
        args_escaped: config.args_escaped,
        cmd: words(&config.cmd),
        entrypoint: words(&config.entrypoint),
        env: list(&config.env),
        exposed_ports: set(&config.exposed_ports),
        healthcheck: config.healthcheck.as_ref().map(|health| HealthConfig {
            test: health.test.clone().into(),
            interval: health.interval,
            timeout: health.timeout,
            start_period: health.start_period,
            start_interval: health.start_interval,
            retries: health.retries,
        }),
        labels: if config.labels.is_empty() {
            Map::null()
        } else {
            config.labels.clone().into()
        },
        on_build: list(&config.on_build),
        shell: if config.shell.is_empty() {
            StringList::default()
        } else {
            config.shell.clone().into()
        },
        stop_signal: config.stop_signal.clone(),
        user: config.user.clone(),
        volumes: set(&config.volumes),
        working_dir: config.working_dir.clone(),
    }
}

/// The steps of an image, newest first.
pub(crate) fn history(core: &Core, name: &str) -> Result<Vec<ImageHistoryItem>> {
    let items = core
        .images
        .history(name)
        .map_err(|error| of_kind(error.kind(), error.to_string()))?;
    let item = |item: corten_image::find::HistoryItem| ImageHistoryItem {
        comment: item.comment,
        created: item.created.map_or(0, |created| created.unix_seconds()),
        created_by: item.created_by,
        id: item.id,
        size: i64::try_from(item.size_bytes).unwrap_or(i64::MAX),
        tags: if item.tags.is_empty() {
            List::null()
        } else {
            item.tags.into()
        },
    };
    Ok(items.into_iter().map(item).collect())
}
