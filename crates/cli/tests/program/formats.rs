//! `--format` of `corten` beside the docker client's, over the same scripted engine: lists, `inspect`, `info`,
//! `version`. Skipped where there is no client 28.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::docker::docker;
use crate::scripted::{Engine, Request, finish};

const CONTAINERS: &str = r#"[
  {"Id":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","Names":["/web","/other/link"],"Image":"nginx:1.27",
   "ImageID":"sha256:1111111111111111111111111111111111111111111111111111111111111111","Command":"/entry <x> & 'daemon off;'",
   "Created":1700000000,"State":"running","Status":"Up 2 hours (healthy)","SizeRw":1234567,"SizeRootFs":98765432,
   "Ports":[{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},{"PrivatePort":443,"Type":"tcp"}],
   "Labels":{"com.example.a-b":"v","x":"é<>"},"HostConfig":{"NetworkMode":"bridge"},
   "NetworkSettings":{"Networks":{"bridge":{}}},
   "Mounts":[{"Type":"volume","Name":"averyveryverylongname","Driver":"local","Source":"/a","Destination":"/b"}]},
  {"Id":"ffff456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","Names":["/日本語"],"Image":"sha256:22",
   "ImageID":"sha256:2222222222222222222222222222222222222222222222222222222222222222","Command":"sh","Created":1600000000,
   "State":"exited","Status":"Exited (0) 3 weeks ago","Ports":[],"Labels":{},"HostConfig":{},
   "NetworkSettings":{"Networks":{}},"Mounts":[]}]"#;

const IMAGES: &str = r#"[
  {"Id":"sha256:1111111111111111111111111111111111111111111111111111111111111111","ParentId":"","RepoTags":["nginx:1.27"],
   "RepoDigests":["nginx@sha256:3333333333333333333333333333333333333333333333333333333333333333"],"Created":1700000000,
   "Size":187654321,"SharedSize":-1,"Containers":-1,"Labels":null},
  {"Id":"sha256:2222222222222222222222222222222222222222222222222222222222222222","ParentId":"","RepoTags":[],
   "RepoDigests":[],"Created":1600000000,"Size":999,"SharedSize":-1,"Containers":-1,"Labels":{}}]"#;

const HISTORY: &str = r#"[{"Id":"sha256:1111111111111111111111111111111111111111111111111111111111111111","Created":1700000000,
  "CreatedBy":"/bin/sh -c #(nop)  CMD [\"nginx\" \"-g\" \"daemon off;\"] and more and more","Tags":["nginx:1.27"],"Size":0,"Comment":""},
  {"Id":"<missing>","Created":1600000000,"CreatedBy":"ADD file:x in /\tand","Tags":null,"Size":74123456,"Comment":"imported"}]"#;

const NETWORKS: &str = r#"[{"Name":"bridge","Id":"aaaa456789abcdef0123456789abcdef","Created":"2026-01-02T03:04:05.678Z","Scope":"local",
  "Driver":"bridge","EnableIPv4":true,"EnableIPv6":false,"IPAM":{"Driver":"default","Options":null,"Config":[{"Subnet":"172.17.0.0/16"}]},
  "Internal":false,"Attachable":false,"Ingress":false,"ConfigFrom":{"Network":""},"ConfigOnly":false,"Containers":{},
  "Options":{"a":"b"},"Labels":{"k":"v"}}]"#;

const VOLUMES: &str = r#"{"Volumes":[{"CreatedAt":"2026-01-02T03:04:05Z","Driver":"local","Labels":{"k":"v"},"Mountpoint":"/m",
  "Name":"data","Options":null,"Scope":"local"}],"Warnings":null}"#;

const VOLUME: &str = r#"{"CreatedAt":"2026-01-02T03:04:05Z","Driver":"local","Labels":{"k":"v"},"Mountpoint":"/m",
  "Name":"data","Options":null,"Scope":"local","UsageData":{"RefCount":1,"Size":5}}"#;

const CONTAINER: &str = r#"{"Id":"0123456789abcdef","Created":"2026-01-01T00:00:00.5Z","Path":"nginx","Args":["-g","daemon off;"],
  "State":{"Status":"running","Running":true,"Paused":false,"Restarting":false,"OOMKilled":false,"Dead":false,"Pid":4711,"ExitCode":0,
  "Error":"","StartedAt":"2026-01-01T00:00:01Z","FinishedAt":"0001-01-01T00:00:00Z",
  "Health":{"Status":"healthy","FailingStreak":0,"Log":[{"Start":"2026-01-01T00:00:02.25Z","End":"2026-01-01T00:00:03Z","ExitCode":0,"Output":"<ok>"}]}},
  "Image":"sha256:11","Name":"/web","RestartCount":2,"Driver":"overlay2","Platform":"linux","ExecIDs":null,
  "HostConfig":{"Binds":["/a:/b"],"Memory":67108864,"NanoCpus":1500000000,"CpuShares":512,"PidsLimit":100,"CgroupParent":"",
  "RestartPolicy":{"Name":"always","MaximumRetryCount":0},"NetworkMode":"bridge","PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]},
  "LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}},"CapAdd":["NET_ADMIN"],"Privileged":false,"ShmSize":67108864},
  "GraphDriver":{"Data":{"LowerDir":"/l"},"Name":"overlay2"},"SizeRw":null,
  "Mounts":[{"Type":"bind","Source":"/a","Destination":"/b","Mode":"","RW":true,"Propagation":"rprivate"}],
  "Config":{"Hostname":"h","User":"","Tty":false,"Env":["A=1","B=<2>"],"Cmd":["nginx"],"Image":"nginx","Volumes":{"/v":{}},
  "ExposedPorts":{"80/tcp":{},"443/tcp":{}},"Labels":{"com.example.a":"1","b":"é&"},
  "Healthcheck":{"Test":["CMD","x"],"Interval":30000000000}},
  "NetworkSettings":{"Bridge":"","SandboxID":"s","Ports":{"443/tcp":null,"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}]},
  "IPAddress":"172.17.0.2","Networks":{"bridge":{"IPAddress":"172.17.0.2","Gateway":"172.17.0.1","MacAddress":"02:42","Aliases":null}}},
  "Extra":{"Number":12345678901,"Float":1.5,"List":[1,"a",null]}}"#;

const IMAGE: &str = r#"{"Id":"sha256:11","RepoTags":["nginx:1.27"],"RepoDigests":[],"Created":"2026-01-01T00:00:00Z","Architecture":"amd64",
  "Os":"linux","Size":187654321,"Config":{"ExposedPorts":{"80/tcp":{}},"Env":["A=1"],"Cmd":["nginx"],"Labels":{"k":"v"}},
  "RootFS":{"Type":"layers","Layers":["sha256:a","sha256:b"]},"Metadata":{"LastTagTime":"2026-01-02T00:00:00Z"},
  "GraphDriver":{"Data":null,"Name":"overlay2"}}"#;

const INFO: &str = r#"{"ID":"i","Containers":3,"ContainersRunning":1,"Images":2,"Driver":"overlay2","DriverStatus":[["Backing","extfs"]],
  "Plugins":{"Volume":["local"],"Network":["bridge"],"Authorization":null,"Log":["json-file"]},"MemoryLimit":true,"NCPU":2,"MemTotal":1024,
  "Name":"h","ServerVersion":"28.5.2","Runtimes":{"runc":{"path":"runc"}},"Swarm":{"LocalNodeState":"inactive"},"SecurityOptions":["name=seccomp"],
  "Labels":[],"OperatingSystem":"Debian","KernelVersion":"6.1","Warnings":null}"#;

const VERSION: &str = r#"{"Platform":{"Name":"P"},"Components":[{"Name":"Engine","Version":"28.5.2","Details":{"ApiVersion":"1.51","BuildTime":"x"}}],
  "Version":"28.5.2","ApiVersion":"1.51","MinAPIVersion":"1.24","GitCommit":"c","GoVersion":"go1","Os":"linux","Arch":"amd64","KernelVersion":"6.1"}"#;

fn answer(request: &mut Request) {
    let path = request.line.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
    let body = match path.as_str() {
        "/containers/json" => CONTAINERS.to_owned(),
        "/images/json" => IMAGES.to_owned(),
        "/images/nginx/history" => HISTORY.to_owned(),
        "/networks" => NETWORKS.to_owned(),
        "/volumes" => VOLUMES.to_owned(),
        "/containers/web/json" => CONTAINER.to_owned(),
        "/images/nginx/json" => IMAGE.to_owned(),
        "/networks/bridge" => NETWORKS.trim_matches(['[', ']']).to_owned(),
        "/volumes/data" => VOLUME.to_owned(),
        "/info" => INFO.to_owned(),
        "/version" => VERSION.to_owned(),
        _ => return request.answer("404 Not Found", "{\"message\":\"No such thing\"}"),
    };
    request.answer("200 OK", &body);
}

/// Each command with the formats to try; `-` is none.
const CASES: &[(&str, &[&str])] = &[
    (
        "ps -a",
        &[
            "-",
            "table",
            "json",
            "raw",
            "{{json .}}",
            "{{.ID}} {{.Names}} {{.Image}} {{.Command}} {{.CreatedAt}} {{.Ports}} {{.State}} {{.Status}}",
            "{{.Size}}|{{.Labels}}|{{.Mounts}}|{{.LocalVolumes}}|{{.Networks}}|{{.Platform}}",
            r"table {{.ID}}\t{{.Names}}\t{{.Ports}}",
            r"table {{.Names}}\t{{.Status}}\t{{.ID}}",
            r#"table {{.Names}}\t{{.Label "com.example.a-b"}}\t{{.Label "x"}}"#,
            r"table {{upper .Names}}\t{{.Size}}\t{{json .Image}}\t{{truncate .ID 3}}\t{{pad .State 2 2}}|",
            "table {{.ID}}",
            "table{{.ID}}",
            "table {{.Foo}}",
            "table {{if .Ports}}{{.Ports}}\t{{end}}{{.ID}}",
            r"{{.ID}}\n{{.Names}}",
            r#"{{split .Image ":"}} {{index (split .Image ":") 0}} {{title .State}} {{len .ID}}"#,
            "{{range $i, $p := split .Ports \", \"}}{{$i}}={{$p}};{{end}}",
            "{{with .Ports}}{{.}}{{else}}none{{end}}",
            "{{eq .State \"running\"}} {{and .Ports .ID}} {{or .Ports \"-\"}} {{not .Ports}}",
            "{{printf \"%-15s|%q|%x\" .Names .State .State}}",
            "{{json .Labels}} {{html .Labels}} {{urlquery .Labels}}",
            "{{.Label}}",
            "{{.Foo}}",
            "{{.ID",
            "{{.ID.x}}",
            "{{nope .ID}}",
            "{{range .Names}}{{end}}",
            "{{slice .ID 0 5}}",
            "{{define \"a\"}}<{{.}}>{{end}}{{template \"a\" .ID}}",
            "{{- .ID -}}  x",
            "plain",
            "",
        ],
    ),
    (
        "ps -a --no-trunc",
        &["-", "{{.ID}} {{.Names}} {{.Mounts}} {{.Command}}", "json"],
    ),
    ("ps -a --size", &["-", "raw", "{{.Size}}", "json"]),
    ("ps -q", &["-", "{{.Names}}", "raw", "json", "{{.Foo}}"]),
    (
        "images",
        &[
            "-",
            "raw",
            "{{json .}}",
            "{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}} {{.Digest}} {{.CreatedAt}} {{.VirtualSize}} {{.SharedSize}} {{.UniqueSize}}",
            r"table {{.Repository}}\t{{.Tag}}\t{{.Digest}}",
            r"table {{.ID}}\t{{.Containers}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.CreatedAt}}",
            "{{.Foo}}",
            "{{.Names",
        ],
    ),
    ("images --digests", &["-", "table {{.ID}}", "raw", "{{.Digest}}"]),
    ("images -q", &["-", "{{.Repository}}", "raw"]),
    ("images --no-trunc", &["-", "{{.ID}}"]),
    (
        "history nginx",
        &[
            "json",
            "{{.ID}} {{.CreatedBy}} {{.Size}} {{.Comment}} {{.CreatedAt}}",
            r"table {{.ID}}\t{{.Size}}\t{{.CreatedBy}}",
            "{{.Nope}}",
        ],
    ),
    ("history -H=false nginx", &["-", "json", "table"]),
    ("history --no-trunc nginx", &["{{.CreatedBy}}|{{.ID}}"]),
    ("history -q nginx", &["-"]),
    (
        "network ls",
        &[
            "-",
            "json",
            "raw",
            "{{.ID}} {{.Name}} {{.Driver}} {{.Scope}} {{.IPv4}} {{.IPv6}} {{.Internal}} {{.Labels}} {{.CreatedAt}}",
            r#"table {{.Name}}\t{{.Label "k"}}\t{{.IPv6}}\t{{.CreatedAt}}"#,
            "{{.Foo}}",
        ],
    ),
    ("network ls -q", &["-", "{{.Name}}", "raw", "json"]),
    (
        "volume ls",
        &[
            "-",
            "json",
            "raw",
            "{{.Name}} {{.Driver}} {{.Scope}} {{.Mountpoint}} {{.Labels}} {{.Links}} {{.Size}}",
            r#"table {{.Name}}\t{{.Label "k"}}\t{{.Mountpoint}}"#,
            "{{.Foo}}",
        ],
    ),
    ("volume ls -q", &["-", "{{.Driver}}", "raw", "table"]),
    (
        "inspect web",
        &[
            "{{json .NetworkSettings.Networks}}",
            "{{json .State}}",
            "{{json .Config}}",
            "{{json .GraphDriver}} {{json .Mounts}}",
            "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
            "orsys vous salut {{.Name}}",
            "{{with .State}} {{$.Name}} mon PiD {{.Pid}} {{end}}",
            "{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.Health.Status}}",
            "{{range .State.Health.Log}}{{.Start}} {{.End}} {{.Output}}{{end}}",
            "{{.Config.Env}} {{.Config.Cmd}} {{.Config.ExposedPorts}} {{.Config.Labels}} {{.Config.Volumes}} {{.Args}}",
            "{{index .Config.Labels \"com.example.a\"}}|{{index .Config.Labels \"nope\"}}|{{.Config.Labels.nope}}",
            "{{range $p, $c := .NetworkSettings.Ports}}{{$p}} -> {{if $c}}{{(index $c 0).HostPort}}{{end}};{{end}}",
            "{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}",
            "{{.NetworkSettings.Ports}}",
            "{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.LogConfig}}",
            "{{.HostConfig.PidsLimit}} {{.HostConfig.NetworkMode}} {{.HostConfig.PortBindings}} {{.HostConfig.CapAdd}} {{.HostConfig.Privileged}}",
            "{{.Mounts}}",
            "{{range .Mounts}}{{.Source}}:{{.Destination}}{{end}}",
            "{{.GraphDriver}} {{.Driver}} {{.RestartCount}} {{.LogPath}}|",
            "{{.Config.Healthcheck.Interval}} {{.Config.Healthcheck.Test}}",
            "{{.ID}}",
            "{{.Id}}",
            "{{.Extra.Number}} {{.Extra.Float}} {{.Extra.List}}",
            "{{json .Extra}}",
            "{{if eq .Extra.Number 5}}x{{end}}",
            "{{.Foo}}",
            "{{.State.Foo}}",
            "{{.Name.Foo}}",
            "{{.Name",
            "{{.Name }",
            "{{foo}}",
            "{{join .Args \" \"}} {{len .Mounts}} {{printf \"%.3s\" .ID}}",
            "{{join .Config.Env \",\"}}",
            "{{println .Name}}{{print 1 2}}",
            r"{{.Name}}\t{{.Driver}}",
            "{{.SizeRw}} {{.ExecIDs}}",
            "{{printf \"%T %T %T\" .State .Config.ExposedPorts .HostConfig.NetworkMode}}",
            "{{printf \"%+v\" .HostConfig.RestartPolicy}} {{printf \"%#v\" .Args}}",
            "{{lower .HostConfig.NetworkMode}}",
            "json",
            "",
        ],
    ),
    (
        "inspect nginx",
        &[
            "{{.Config.ExposedPorts}}",
            "{{.Id}} {{.RepoTags}} {{.Size}} {{.Architecture}}",
            "{{json .RootFS}} {{.RootFS}} {{.RootFS.Layers}}",
            "{{json .Config}}",
            "{{json .}}",
            "{{.Metadata.LastTagTime}}",
        ],
    ),
    (
        "image inspect nginx",
        &[
            "{{.Config.ExposedPorts}}",
            "{{.Os}}/{{.Architecture}} {{.Config.Env}} {{.Foo}}",
        ],
    ),
    (
        "network inspect bridge",
        &[
            "{{.IPAM.Config}} {{.Created}} {{.Options}}",
            "{{json .IPAM}} {{json .Created}}",
            "{{range .IPAM.Config}}{{.Subnet}}{{end}}",
            "{{json .}}",
        ],
    ),
    (
        "volume inspect data",
        &[
            "{{.Mountpoint}} {{.Labels}} {{.Options}} {{.UsageData}}",
            "{{json .}}",
            "{{.Status}}",
        ],
    ),
    ("inspect --type network bridge", &["{{.Id}}", "{{.ID}}"]),
    ("inspect web nope", &["{{.Name}}", "{{.Foo}}"]),
    (
        "info",
        &[
            "{{.ServerVersion}} {{.NCPU}} {{.MemTotal}} {{.Driver}} {{.Swarm.LocalNodeState}} {{.ClientInfo.Debug}}",
            "{{json .Plugins}} {{.Plugins}} {{.DriverStatus}} {{json .Runtimes}} {{.SecurityOptions}}",
            "{{range .DriverStatus}}{{index . 0}}={{index . 1}}{{end}}",
            "{{.Foo}}",
            "{{.Name",
        ],
    ),
    (
        "version",
        &[
            "{{.Server.Version}} {{.Server.APIVersion}} {{.Server.Platform.Name}}",
            "{{range .Server.Components}}{{.Name}} {{.Version}} {{.Details}}{{end}}",
            "{{json .Server}}",
            "{{.Client.Os}}/{{.Client.Arch}} {{.Client.Context}}",
            "{{.Foo}}",
            "{{.Client",
        ],
    ),
    ("events --until 1", &["{{.Foo}}", "{{.Type"]),
];

#[test]
fn the_same_is_printed() {
    if docker().is_none() {
        println!("skip: no docker client 28 in PATH");
        return;
    }
    let engine = Engine::start(answer);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let disguise = directory.path().join("docker");
    symlink(env!("CARGO_BIN_EXE_corten"), &disguise).expect("a link");
    let mut differences = Vec::new();
    let mut count = 0;
    for (line, formats) in CASES {
        for format in *formats {
            count += 1;
            let told = |mut command: Command| {
                command.args(line.split(' '));
                if *format != "-" {
                    command.arg("--format").arg(format);
                }
                command.env("DOCKER_HOST", engine.address());
                let output = finish(command, "");
                let error = String::from_utf8_lossy(&output.stderr).into_owned();
                let error: Vec<&str> = error.lines().filter(|line| !line.starts_with("hint: ")).collect();
                let out = String::from_utf8_lossy(&output.stdout).into_owned();
                format!("{:?} {out}{}", output.status.code(), error.join("\n"))
            };
            let mut ours = Command::new(&disguise);
            ours.env_clear().env("HOME", "/nonexistent").env("TZ", "UTC");
            let (ours, theirs) = (told(ours), told(docker().expect("found above")));
            if ours != theirs {
                differences.push(format!("{line} {format:?}\n  docker: {theirs}\n  corten: {ours}"));
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {count}\n{}",
        differences.len(),
        differences.join("\n")
    );
}
