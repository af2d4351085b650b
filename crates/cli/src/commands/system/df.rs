//! `system df`: how much disk everything takes.

use corten_api::system::{BuildCache, DiskUsage};
use corten_base::{Timestamp, size};
use serde_json::value::RawValue;

use crate::commands::{container, image, volume};
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::format::{Column, Listing, Template};
use crate::output;
use crate::text::{elapsed, shorten};
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("format", Kind::Text, "Print each as table, json, or by a template"),
    Flag::new("verbose", Kind::Bool, "Show every image, container, volume and record").short('v'),
];

pub(super) const VERB: Verb = Verb {
    names: &["df"],
    shortcut: None,
    usage: "[OPTIONS]",
    about: "Show disk usage",
    arguments: Arguments::None,
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: usage,
};

/// One kind of things.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    kind: &'static str,
    total: usize,
    active: usize,
    /// Bytes.
    size: i64,
    /// Bytes that a prune would set free.
    reclaimable: i64,
    /// Whether that is shown as a share of the size too.
    share: bool,
}

const LISTING: Listing<Line> = Listing {
    kind: "*formatter.diskUsageContext",
    columns: &[
        Column::new("Type", "TYPE", |line| Some(line.kind.to_owned())),
        Column::new("TotalCount", "TOTAL", |line| Some(line.total.to_string())),
        Column::new("Active", "ACTIVE", |line| Some(line.active.to_string())),
        Column::new("Size", "SIZE", |line| Some(human(line.size))),
        Column::new("Reclaimable", "RECLAIMABLE", |line| Some(line.reclaimable())),
    ],
    labels: None,
    table: "{{.Type}}\\t{{.TotalCount}}\\t{{.Active}}\\t{{.Size}}\\t{{.Reclaimable}}",
    quiet: "{{.Type}}",
    raw: "type: {{.Type}}\ntotal: {{.TotalCount}}\nactive: {{.Active}}\nsize: {{.Size}}\n\
          reclaimable: {{.Reclaimable}}\n",
};

const CACHE: Listing<BuildCache> = Listing {
    kind: "*formatter.buildCacheContext",
    columns: &[
        Column::new("ID", "CACHE ID", |cache| Some(shorten::id(&cache.id).to_owned())),
        Column::new("Parent", "PARENT", |cache| Some(cache.parents.join(", "))),
        Column::new("CacheType", "CACHE TYPE", |cache| Some(cache.kind.clone())),
        Column::new("Description", "DESCRIPTION", |cache| Some(cache.description.clone())),
        Column::new("Size", "SIZE", |cache| Some(human(cache.size))),
        Column::new("CreatedSince", "CREATED", |cache| {
            Some(elapsed::ago(Timestamp::now(), cache.created_at))
        }),
        Column::new("LastUsedSince", "LAST USED", |cache| {
            Some(
                cache
                    .last_used_at
                    .map_or_else(String::new, |used| elapsed::ago(Timestamp::now(), used)),
            )
        }),
        Column::new("UsageCount", "USAGE", |cache| Some(cache.usage_count.to_string())),
        Column::new("InUse", "IN USE", |cache| Some(cache.in_use.to_string())),
        Column::new("Shared", "SHARED", |cache| Some(cache.shared.to_string())),
    ],
    labels: None,
    table: "{{.ID}}\\t{{.CacheType}}\\t{{.Size}}\\t{{.CreatedSince}}\\t{{.LastUsedSince}}\\t{{.UsageCount}}\\t{{.Shared}}",
    quiet: "{{.ID}}",
    raw: "",
};

fn human(bytes: i64) -> String {
    size::human(u64::try_from(bytes).unwrap_or(0))
}

impl Line {
    fn reclaimable(&self) -> String {
        let bytes = human(self.reclaimable);
        if self.share && self.size > 0 {
            let share = i128::from(self.reclaimable) * 100 / i128::from(self.size);
            format!("{bytes} ({share}%)")
        } else {
            bytes
        }
    }
}

fn usage(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let client = invocation.client()?;
    let usage = block_on(async { Ok(client.disk_usage().await?) })?;
    let format = parsed.text("format").filter(|format| !format.is_empty());
    match (parsed.on("verbose"), format) {
        (false, given) => {
            let format = LISTING.template(given, "", false);
            output::print(&LISTING.print(&format, summary(&usage))?)
        }
        (true, None | Some("table")) => output::print(&details(usage)?),
        (true, Some(format)) => output::print(&templated(usage, format)?),
    }
}

fn summary(usage: &DiskUsage) -> [Line; 4] {
    let layers = usage.layers_size;
    let used = usage.images.iter().filter(|image| image.containers != 0);
    let used = used.filter(|image| image.size != -1 && image.shared_size != -1);
    let used: i64 = used.map(|image| image.size - image.shared_size).sum();
    let is_active = |state: &str| ["running", "paused", "restarting"].contains(&state);
    let idle = usage.containers.iter().filter(|container| !is_active(&container.state));
    let volumes: Vec<_> = usage
        .volumes
        .iter()
        .filter_map(|volume| volume.usage_data.as_ref())
        .collect();
    let known = volumes.iter().filter(|volume| volume.size != -1);
    let cache = usage.build_cache.iter().filter(|cache| !cache.shared);
    let in_use: i64 = cache.clone().filter(|cache| cache.in_use).map(|cache| cache.size).sum();
    let cache: i64 = cache.map(|cache| cache.size).sum();
    [
        Line {
            kind: "Images",
            total: usage.images.len(),
            active: usage.images.iter().filter(|image| image.containers > 0).count(),
            size: layers,
            reclaimable: layers - used,
            share: true,
        },
        Line {
            kind: "Containers",
            total: usage.containers.len(),
            active: usage
                .containers
                .iter()
                .filter(|container| is_active(&container.state))
                .count(),
            size: usage.containers.iter().map(|container| container.size_rw).sum(),
            reclaimable: idle.map(|container| container.size_rw).sum(),
            share: true,
        },
        Line {
            kind: "Local Volumes",
            total: usage.volumes.len(),
            active: volumes.iter().filter(|volume| volume.ref_count > 0).count(),
            size: known.clone().map(|volume| volume.size).sum(),
            reclaimable: known
                .filter(|volume| volume.ref_count == 0)
                .map(|volume| volume.size)
                .sum(),
            share: true,
        },
        Line {
            kind: "Build Cache",
            total: usage.build_cache.len(),
            active: usage.build_cache.iter().filter(|cache| cache.in_use).count(),
            size: cache,
            reclaimable: cache - in_use,
            share: false,
        },
    ]
}

const IMAGES: &str = "table {{.Repository}}\\t{{.Tag}}\\t{{.ID}}\\t{{.CreatedSince}}\\t{{.Size}}\\t{{.SharedSize}}\\t\
                      {{.UniqueSize}}\\t{{.Containers}}";
const CONTAINERS: &str = "table {{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.LocalVolumes}}\\t{{.Size}}\\t{{.RunningFor}}\\t\
                          {{.Status}}\\t{{.Names}}";
const VOLUMES: &str = "table {{.Name}}\\t{{.Links}}\\t{{.Size}}";

/// The lists of `--verbose`, each by its template.
struct Lists {
    images: String,
    containers: String,
    volumes: String,
    cache: String,
}

fn lists(usage: DiskUsage, formats: [&str; 4], full: bool) -> Result<Lists, Failure> {
    let [images, containers, volumes, cache] = formats;
    let mut without_image = usage.containers.into_vec();
    for container in &mut without_image {
        // The size of the image below belongs to the image here.
        container.size_root_fs = 0;
    }
    Ok(Lists {
        images: image::ls::listed(images, &usage.images, full)?,
        containers: container::ls::listed(containers, without_image, full)?,
        volumes: volume::ls::LISTING.print(volumes, usage.volumes)?,
        cache: CACHE.print(cache, usage.build_cache)?,
    })
}

fn details(usage: DiskUsage) -> Result<String, Failure> {
    let cache = human(summary(&usage)[3].size);
    let table = format!("table {}", CACHE.table);
    let lists = lists(usage, [IMAGES, CONTAINERS, VOLUMES, &table], false)?;
    Ok(format!(
        "Images space usage:\n\n{}\nContainers space usage:\n\n{}\nLocal Volumes space usage:\n\n{}\n\
         Build cache usage: {cache}\n\n{}",
        lists.images, lists.containers, lists.volumes, lists.cache
    ))
}

/// The lists as one object, printed as JSON or by a template.
fn templated(usage: DiskUsage, format: &str) -> Result<String, Failure> {
    let lists = lists(usage, ["json"; 4], true)?;
    let array = |lines: &str| lines.lines().collect::<Vec<_>>().join(",");
    let text = format!(
        "{{\"Images\":[{}],\"Containers\":[{}],\"Volumes\":[{}],\"BuildCache\":[{}]}}",
        array(&lists.images),
        array(&lists.containers),
        array(&lists.volumes),
        array(&lists.cache)
    );
    if format == "json" {
        return Ok(text);
    }
    let object: &RawValue = serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("cannot read the daemon's answer: {error}")))?;
    Ok(Template::parse(format)?.fill_as(object, None)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_used() {
        let usage: DiskUsage = serde_json::from_str(
            r#"{"LayersSize":1000,"Images":[{"Containers":1,"Size":700,"SharedSize":100},{"Containers":0,"Size":300,"SharedSize":100}],
            "Containers":[{"State":"running","SizeRw":30},{"State":"exited","SizeRw":10}],
            "Volumes":[{"UsageData":{"RefCount":1,"Size":5}},{"UsageData":{"RefCount":0,"Size":15}},{"UsageData":{"RefCount":0,"Size":-1}}],
            "BuildCache":[{"InUse":true,"Size":8},{"Size":4},{"Shared":true,"Size":100}]}"#,
        )
        .unwrap();
        let shown = summary(&usage).map(|line| {
            let reclaimable = line.reclaimable();
            (line.total, line.active, line.size, reclaimable)
        });
        assert_eq!(
            shown,
            [
                (2, 1, 1000, "400B (40%)".to_owned()),
                (2, 1, 40, "10B (25%)".to_owned()),
                (3, 1, 20, "15B (75%)".to_owned()),
                (3, 1, 12, "4B".to_owned()),
            ]
        );
    }
}
