//! `commit`: images of containers, beside dockerd 28.5: files, configuration, history, events, errors.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use corten_e2e::{both, is_reference, one};
use corten_testkit::wait::until_ok;
use serde_json::Value;

/// Everything that a layer can carry.
const FILES: &str = "echo x >/new; mkdir -p /d/e; echo 1 >/d/e/f; ln /d/e/f /hard; ln -s /new /soft; mkfifo /pipe; \
    mknod /dev-null c 1 3; rm /bin/vi; rm -r /var/spool; mkdir /var/spool; echo y >/var/spool/z; chown 12:34 /d; \
    chmod 4711 /new; touch -d @981173106 /d/e/f; l=$(printf \"%0120d\" 7); echo l >/$l";

#[test]
fn an_image_has_what_the_container_changed() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok(&format!("run --name box busybox sh -c '{FILES}'"))?;
        let id = case.ok("commit -m 'my message' -a 'An Author <a@b>' box mine/box:1")?;
        ensure!(id.starts_with("sha256:") && id.len() == 71, "{id}");
        case.says("images -q --no-trunc mine/box:1", &id)?;
        case.says(
            "run --rm mine/box:1 sh -c 'cat /new /soft /d/e/f /var/spool/z /dev/null; ls /var/spool; cat /0*; ls /bin/vi 2>&1; \
             test -p /pipe && stat -c \"%a %u:%g %h\" /new /d /hard; stat -c %Y /hard; stat -c %t:%T /dev-null'",
            &format!(
                "x\nx\n1\ny\nz\nl\nls: /bin/vi: No such file or directory\n4711 0:0 1\n755 12:34 3\n644 0:0 2\n{}\n1:3",
                981_173_106
            ),
        )?;
        let image = case.inspect("mine/box:1")?;
        ensure!(
            image["Comment"] == "my message" && image["Author"] == "An Author <a@b>",
            "{image}"
        );
        ensure!(image["Parent"] == case.inspect("busybox")?["Id"], "{image}");
        ensure!(image["RootFS"]["Layers"].as_array().map(Vec::len) == Some(2), "{image}");
        let history = case.ok("history --no-trunc --format '{{.CreatedBy}}|{{.Size}}|{{.Comment}}' mine/box:1")?;
        let newest = history.lines().next().context("a step")?;
        ensure!(
            newest.starts_with("sh -c echo x >/new;") && newest.ends_with("B|my message"),
            "{newest}"
        );
        // What is saved is what the digest says: another engine takes it.
        let tar = case.daemon.sandbox.scratch().join("committed.tar");
        case.ok(&format!("save -o {} mine/box:1", tar.display()))?;
        case.ok("rm box")?;
        case.ok("rmi mine/box:1")?;
        case.says(&format!("load -i {}", tar.display()), "Loaded image: mine/box:1")?;
        case.says("images -q --no-trunc mine/box:1", &id)?;
        case.ok("rmi mine/box:1").map(drop)
    })
}

#[test]
fn configurations() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("run --name box -e A=1 -l x=y -v /vol -u 1:1 -w /home --entrypoint sh busybox -c 'exit 0'")?;
        case.ok(
            "commit -c 'CMD [\"x\",\"y\"]' -c 'ENV Q=\"1 2\"' -c 'EXPOSE 80' -c 'LABEL x=z' -c 'HEALTHCHECK --interval=5s CMD true' \
             -c 'STOPSIGNAL SIGINT' -c 'VOLUME /more' -c 'ONBUILD RUN x' -c 'WORKDIR sub' box changed",
        )?;
        let config = case.inspect("changed")?["Config"].clone();
        let wanted: Value = serde_json::from_str(
            r#"{"Cmd":["x","y"],"Entrypoint":["sh"],"ExposedPorts":{"80/tcp":{}},"Labels":{"x":"z"},"User":"1:1","OnBuild":["RUN x"],
            "Env":["A=1","PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","Q=1 2"],"StopSignal":"SIGINT",
            "Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":5000000000},"Volumes":{"/more":{},"/vol":{}},"WorkingDir":"/home/sub"}"#,
        )?;
        ensure!(config == wanted, "{config}");
        let call = |query: &str, body: &str| case.api("POST", &format!("/v1.51/commit?container=box&{query}"), body);
        let (status, answer) = call(
            "repo=body",
            r#"{"Env":["B=2","A=3"],"Labels":{"x":"w"},"Cmd":["c"],"User":"u"}"#,
        )?;
        ensure!(
            status == 201 && answer.contains("\"Id\":\"sha256:"),
            "{status} {answer}"
        );
        let config = case.inspect("body")?["Config"].clone();
        let wanted: Value = serde_json::from_str(
            r#"{"Cmd":["c"],"Entrypoint":["sh"],"Labels":{"x":"w"},"OnBuild":null,"User":"u","Volumes":{"/vol":{}},"WorkingDir":"/home",
            "Env":["B=2","A=3","PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}"#,
        )?;
        ensure!(config == wanted, "{config}");
        for body in ["{}", "null"] {
            let (status, answer) = call("repo=same", body)?;
            ensure!(status == 201, "{status} {answer}");
            case.says("inspect -f '{{.Config.User}} {{index .Config.Env 0}}' same", "1:1 A=1")?;
        }
        case.ok("rm -v box")?;
        case.ok("rmi changed body same")?;
        case.ok("image prune -f").map(drop)
    })
}

#[test]
fn refusals() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("create --name box busybox true")?;
        let digest = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
        let upper = "invalid reference format: repository name (library/UPPER) must be lowercase";
        let table: [(&str, &str, u16, &str); 13] = [
            ("container=none", "", 404, "No such container: none"),
            ("", "", 400, "invalid name or ID supplied: \"\""),
            ("container=none&repo=UPPER", "", 400, upper),
            ("container=box&repo=a:b:c", "", 400, "invalid reference format"),
            ("container=box&repo=ok&tag=-x", "", 400, "invalid tag format"),
            (
                &format!("container=box&repo=x@sha256:{digest}"),
                "",
                400,
                "cannot import digest reference",
            ),
            (
                "container=box&changes=FROM%20x",
                "",
                400,
                "FROM is not a valid change command",
            ),
            (
                "container=box&changes=RUN%20x",
                "",
                400,
                "RUN is not a valid change command",
            ),
            (
                "container=box&changes=SHELL%20%5B%22a%22%5D",
                "",
                400,
                "SHELL is not a valid change command",
            ),
            (
                "container=box&changes=ENV",
                "",
                400,
                "ENV requires at least one argument",
            ),
            ("container=box&changes=", "", 400, "file with no instructions"),
            (
                "container=box",
                "{bad",
                400,
                "invalid JSON: invalid character 'b' looking for beginning of object key string",
            ),
            (
                "container=box",
                "{\"Cmd\":[\"c\"]} x",
                400,
                "unexpected content after JSON",
            ),
        ];
        for (query, body, status, message) in table {
            case.refuses("POST", &format!("/v1.51/commit?{query}"), body, status, message)
                .with_context(|| query.to_owned())?;
        }
        case.says("images -q --filter dangling=true", "")?;
        case.ok("rm box").map(drop)
    })
}

#[test]
fn a_running_container_is_paused_meanwhile() -> Result<()> {
    both(&["busybox"], |case| {
        let begun = case.script("date +%s.%N")?.text().to_owned();
        case.ok("run -d --name box -l x=y busybox sh -c 'while :; do echo $((n=n+1)) >/n; usleep 1000; done'")?;
        let id = case.ok("commit -m why box busy:1")?;
        case.says("inspect -f '{{.State.Status}}' box", "running")?;
        case.ok("commit --pause=false box busy:2")?;
        case.ok("pause box")?;
        case.ok("commit box busy:3")?;
        case.says("inspect -f '{{.State.Status}}' box", "paused")?;
        case.ok("unpause box")?;
        case.fails("commit -c 'RUN x' box", 1, "RUN is not a valid change command")?;
        case.says("inspect -f '{{.State.Status}}' box", "running")?;
        let ended = case.script("date +%s.%N")?.text().to_owned();
        let said = case.ok(&format!(
            "events --since {begun} --until {ended} --format '{{{{.Type}}}} {{{{.Action}}}} {{{{json .Actor.Attributes}}}}'"
        ))?;
        let has = |line: &str| said.lines().any(|said| said == line);
        let commit = format!(
            r#"container commit {{"comment":"why","image":"busybox","imageID":"{id}","imageRef":"busy:1","name":"box","x":"y"}}"#
        );
        ensure!(has(&commit), "{commit} is not in\n{said}");
        ensure!(has(&format!(r#"image create {{"name":"{id}","x":"y"}}"#)), "{said}");
        ensure!(has(r#"image tag {"name":"busy:1","x":"y"}"#), "{said}");
        let count = |action: &str| {
            said.lines()
                .filter(|line| line.starts_with(&format!("container {action} ")))
                .count()
        };
        ensure!(count("commit") == 3 && count("pause") == count("unpause"), "{said}");
        case.ok("rm -f box")?;
        case.ok("rmi busy:1 busy:2 busy:3").map(drop)
    })
}

#[test]
fn images_upon_images() -> Result<()> {
    both(&["busybox"], |case| {
        // An unchanged container adds a step, and no layer.
        case.ok("create --name idle busybox true")?;
        case.ok("commit idle same")?;
        let layers = "inspect -f '{{json .RootFS.Layers}}'";
        case.says(&format!("{layers} same"), &case.ok(&format!("{layers} busybox"))?)?;
        // Each step with the id of its image, as far as they were made here.
        let steps = case.ok("history -q --no-trunc same")?;
        let images = case.ok("inspect -f '{{.Id}}' same busybox")?;
        ensure!(steps == images, "{steps}");
        let newest = case.ok("history --format '{{.CreatedBy}} {{.Size}}' same")?;
        ensure!(newest.starts_with("true 0B\n"), "{newest}");
        case.ok("run --name one busybox sh -c 'echo 1 >/one; rm /bin/vi'")?;
        case.ok("commit one first")?;
        case.ok("run --name two first sh -c 'cat /one; echo 2 >/two; echo 3 >/bin/vi; rm /one'")?;
        case.ok("commit two second")?;
        case.says(
            "run --rm second sh -c 'cat /two /bin/vi; ls /one 2>&1; true'",
            "2\n3\nls: /one: No such file or directory",
        )?;
        ensure!(
            case.inspect("second")?["Parent"] == case.inspect("first")?["Id"],
            "the parent"
        );
        let sizes = case.ok("history --format '{{.Size}}' second")?;
        ensure!(sizes.lines().count() == 3 && sizes.starts_with("4B\n2B\n"), "{sizes}");
        case.ok("rm idle one two")?;
        case.ok("rmi same second first").map(drop)
    })
}

#[test]
fn a_container_whose_image_has_lost_its_name() -> Result<()> {
    both(&["busybox"], |case| {
        case.ok("tag busybox other")?;
        case.ok("run --name box other sh -c 'echo 1 >/f'")?;
        case.ok("rmi -f other")?;
        case.ok("commit box left:1")?;
        case.says("run --rm left:1 cat /f", "1")?;
        case.ok("rm box")?;
        case.ok("rmi left:1").map(drop)
    })
}

/// The client goes while the container is read: the image is made all the same, and the container goes on.
#[test]
fn a_client_that_leaves() -> Result<()> {
    if is_reference()? {
        return Ok(());
    }
    one(&["busybox"], |case| {
        case.ok("run -d --name box busybox sh -c 'head -c 60000000 /dev/urandom >/big; sleep 1000'")?;
        until_ok(corten_e2e::LIMIT, "the file", || {
            case.says("exec box stat -c %s /big", "60000000")
        })?;
        let mut client = case.command("commit box made")?.stdout(Stdio::null()).spawn()?;
        until_ok(corten_e2e::LIMIT, "the pause", || {
            let (_, state) = case.api("GET", "/v1.51/containers/box/json", "")?;
            ensure!(state.contains("\"Status\":\"paused\""), "{state}");
            Ok(())
        })?;
        client.kill()?;
        ensure!(!client.wait()?.success(), "the commit was over before its client left");
        until_ok(corten_e2e::LIMIT, "the image", || case.ok("inspect made").map(drop))?;
        until_ok(corten_e2e::LIMIT, "the container", || {
            case.says("inspect -f '{{.State.Status}}' box", "running")
        })?;
        case.ok("rm -f box")?;
        case.ok("rmi made").map(drop)
    })
}
