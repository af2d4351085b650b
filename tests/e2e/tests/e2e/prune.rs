//! Removing what nobody uses, and what lies on the disk.

use anyhow::{Result, ensure};
use corten_e2e::{Case, one};
use corten_testkit::archive::{Entry, layer_tar};
use serde_json::Value;

fn prune(case: &Case, kind: &str, filters: &str) -> Result<Value> {
    let filters = filters.replace('{', "%7B").replace('}', "%7D").replace('"', "%22");
    let (status, body) = case.api("POST", &format!("/v1.51/{kind}/prune?filters={filters}"), "")?;
    ensure!(status == 200, "{kind}: {status} {body}");
    Ok(serde_json::from_str(&body)?)
}

#[test]
fn containers_that_do_not_run_go() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name runs busybox sleep 1000")?;
        let labelled = case.ok("create --name labelled -l a=b busybox true")?;
        case.ok("run --name ended busybox dd if=/dev/zero of=/file bs=1M count=3")?;
        let ended = case.ok("inspect -f '{{.Id}}' ended")?;
        for filters in [r#"{"label":["a=c"]}"#, r#"{"until":["10m"]}"#] {
            let report = prune(case, "containers", filters)?;
            ensure!(
                report["ContainersDeleted"].is_null() && report["SpaceReclaimed"] == 0,
                "{report}"
            );
        }
        let report = prune(case, "containers", r#"{"label!":["a"]}"#)?;
        ensure!(report["ContainersDeleted"] == serde_json::json!([ended]), "{report}");
        ensure!(report["SpaceReclaimed"].as_u64() >= Some(3 << 20), "{report}");
        case.says(
            "container prune -f",
            &format!("Deleted Containers:\n{labelled}\n\nTotal reclaimed space: 0B"),
        )?;
        case.says("ps -a --format '{{.Names}}'", "runs")?;
        case.ok("rm -f runs")?;
        Ok(())
    })
}

#[test]
fn nonsense_is_refused() -> Result<()> {
    one(&["busybox"], |case| {
        for (path, message) in [
            (
                "containers/prune?filters=%7B%22bogus%22:%5B%221%22%5D%7D",
                "invalid filter 'bogus'",
            ),
            ("containers/prune?filters=x", "invalid filter"),
            (
                "containers/prune?filters=%7B%22until%22:%5B%22x%22%5D%7D",
                "failed to parse value as time or duration: \"x\"",
            ),
            (
                "containers/prune?filters=%7B%22until%22:%5B%2210m%22,%225m%22%5D%7D",
                "more than one until filter specified",
            ),
            (
                "images/prune?filters=%7B%22bogus%22:%5B%221%22%5D%7D",
                "invalid filter 'bogus'",
            ),
            (
                "images/prune?filters=%7B%22dangling%22:%5B%22x%22%5D%7D",
                "invalid filter 'dangling=[x]'",
            ),
        ] {
            case.refuses("POST", &format!("/v1.51/{path}"), "", 400, message)?;
        }
        case.refuses(
            "GET",
            "/v1.51/system/df?type=bogus",
            "",
            400,
            "unknown object type: bogus",
        )?;
        Ok(())
    })
}

/// The names of all images, by tag.
fn tags(case: &Case) -> Result<String> {
    case.ok("images --format '{{.Repository}}'")
}

#[test]
fn images_and_volumes_that_nobody_uses_go() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run -d --name user -v kept:/kept -v /anonymous busybox sleep 1000")?;
        case.ok("run --name writer -v named:/named busybox dd if=/dev/zero of=/named/file bs=1M count=2")?;
        // Two imports under one name: the first image loses it.
        for content in [&b"one"[..], b"two"] {
            let archive = layer_tar(&[Entry::file("file", content)])?;
            case.run_with_input("import - imported", &archive)?.success()?;
        }
        let report = prune(case, "images", "{}")?;
        let deleted = report["ImagesDeleted"].as_array().cloned().unwrap_or_default();
        ensure!(deleted.iter().any(|item| item["Deleted"].is_string()), "{report}");
        ensure!(report["SpaceReclaimed"] == 3, "{report}");
        ensure!(tags(case)?.contains("imported"), "{}", tags(case)?);
        let report = prune(case, "images", r#"{"dangling":["false"]}"#)?;
        ensure!(
            report["ImagesDeleted"].to_string().contains("imported:latest"),
            "{report}"
        );
        ensure!(tags(case)? == "busybox", "{}", tags(case)?);
        case.ok("rm writer")?;
        let report = prune(case, "volumes", "{}")?;
        ensure!(report["VolumesDeleted"] == serde_json::json!([]), "{report}");
        let usage: Value = serde_json::from_str(&case.api("GET", "/v1.51/system/df", "")?.1)?;
        let volumes = usage["Volumes"].as_array().cloned().unwrap_or_default();
        let of = |name: &str| {
            volumes
                .iter()
                .find(|volume| volume["Name"] == name)
                .cloned()
                .unwrap_or_default()
        };
        ensure!(of("named")["UsageData"]["RefCount"] == 0, "{usage}");
        ensure!(of("named")["UsageData"]["Size"].as_u64() >= Some(2 << 20), "{usage}");
        ensure!(
            of("kept")["UsageData"]["RefCount"] == 1 && volumes.len() == 3,
            "{usage}"
        );
        // What a volume with options shows is not the engine's to throw away.
        case.ok("volume create --opt type=tmpfs --opt device=tmpfs --label all elsewhere")?;
        let report = prune(case, "volumes", r#"{"all":["1"]}"#)?;
        ensure!(
            report["VolumesDeleted"] == serde_json::json!(["named"])
                && report["SpaceReclaimed"].as_u64() >= Some(2 << 20),
            "{report}"
        );
        case.ok("rm -f -v user")?;
        case.ok("volume rm kept elsewhere")?;
        Ok(())
    })
}

#[test]
fn what_lies_on_the_disk() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("run --name box busybox dd if=/dev/zero of=/file bs=1M count=5")?;
        let usage: Value = serde_json::from_str(&case.api("GET", "/v1.51/system/df", "")?.1)?;
        let image = &usage["Images"][0];
        ensure!(image["Containers"] == 1 && image["SharedSize"] == 0, "{usage}");
        ensure!(
            image["Size"] == usage["LayersSize"] && image["Size"].as_u64() > Some(1 << 20),
            "{usage}"
        );
        ensure!(usage["Containers"][0]["SizeRw"].as_u64() >= Some(5 << 20), "{usage}");
        ensure!(usage["BuildCache"] == serde_json::json!([]), "{usage}");
        let only: Value = serde_json::from_str(&case.api("GET", "/v1.51/system/df?type=container", "")?.1)?;
        ensure!(only["Images"].is_null() && only["Containers"].is_array(), "{only}");
        let table = case.ok("system df")?;
        ensure!(
            table.starts_with("TYPE") && table.contains("Containers      1         0"),
            "{table}"
        );
        case.ok("rm box")?;
        Ok(())
    })
}
