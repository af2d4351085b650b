//! `--format` of both clients over one engine with real objects: the same text, byte for byte.

use anyhow::{Result, ensure};
use corten_e2e::{Client, one};

/// What both clients are asked, on containers `web` (running, port, volume, labels), `old` (ended), image
/// `busybox`, network `bridge` and volume `data`.
const LINES: &[&str] = &[
    "ps -a --format '{{.ID}} {{.Names}} {{.Image}} {{.Command}} {{.State}} {{.CreatedAt}}'",
    "ps -a --format '{{.Ports}}|{{.Labels}}|{{.Mounts}}|{{.LocalVolumes}}|{{.Networks}}|{{.Platform}}'",
    "ps -a --no-trunc --format 'table {{.ID}}\\t{{.Names}}\\t{{.Mounts}}'",
    "ps -a --format 'table {{.Names}}\\t{{.Label \"com.example.role\"}}\\t{{.Ports}}\\t{{.ID}}'",
    "ps -a --format '{{range $i, $m := split .Mounts \",\"}}{{$i}}{{$m}}{{end}}{{upper .State}}'",
    "ps -aq --no-trunc",
    "ps -a --filter name=web --format '{{.Size}}'",
    "images --format '{{json .Repository}} {{.Tag}} {{.ID}} {{.Size}} {{.CreatedAt}}'",
    "images --digests",
    "images --no-trunc --format 'table {{.ID}}\\t{{.Size}}'",
    "image ls --format raw",
    "history --no-trunc --format '{{.ID}} {{.CreatedBy}} {{.Size}} {{.Comment}}' busybox",
    "history -H=false busybox",
    "network ls",
    "network ls --format 'table {{.Name}}\\t{{.Driver}}\\t{{.IPv4}}\\t{{.Internal}}\\t{{.CreatedAt}}'",
    "network ls --format json",
    "volume ls",
    "volume ls --format '{{.Name}} {{.Driver}} {{.Mountpoint}} {{.Labels}} {{.Label \"k\"}}'",
    "volume ls --format json",
    "inspect -f '{{json .}}' web",
    "inspect -f '{{json .State}}|{{json .HostConfig}}|{{json .Config}}|{{json .NetworkSettings}}' web",
    "inspect -f '{{.State}}|{{.Config}}|{{.Mounts}}|{{.GraphDriver}}' web",
    "inspect -f '{{.HostConfig.RestartPolicy}} {{.HostConfig.LogConfig}} {{.HostConfig.PortBindings}}' web",
    "inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.Gateway}} {{.MacAddress}}{{end}}' web",
    "inspect -f '{{range $p, $b := .NetworkSettings.Ports}}{{$p}}={{(index $b 0).HostPort}}{{end}}' web",
    "inspect -f 'orsys vous salut {{.Name}}' web old",
    "inspect -f '{{with .State}} {{$.Name}} mon PiD {{.Pid}} {{end}}' web",
    "inspect -f '{{.Id}} {{.Created}} {{.Path}} {{.Args}} {{.Config.Env}} {{.Config.Cmd}}' old",
    "inspect --size -f '{{.SizeRootFs}}' old",
    "inspect -f '{{.Nope}}' web nope busybox",
    "inspect -f '{{.Config.Labels}} {{index .Config.Labels \"com.example.role\"}}' web",
    "image inspect -f '{{json .}}' busybox",
    "image inspect -f '{{.RootFS}} {{.Config.Cmd}} {{.Architecture}}/{{.Os}} {{.Size}} {{.RepoTags}}' busybox",
    "network inspect -f '{{json .}}' bridge",
    "network inspect -f '{{.IPAM.Config}} {{.Options}} {{.Created}} {{len .Containers}}' bridge",
    "volume inspect -f '{{json .}}' data",
    "volume inspect -f '{{.Name}} {{.Mountpoint}} {{.Labels}} {{.Options}} {{.CreatedAt}}' data",
    "inspect --type volume -f '{{.Driver}}' data",
    "info -f '{{.ID}} {{.Containers}} {{.Images}} {{.Driver}} {{.Plugins}} {{.SecurityOptions}} {{.NCPU}}'",
    "info -f '{{json .Plugins}} {{json .RegistryConfig}} {{json .Swarm}} {{json .Runtimes}}'",
    "version -f '{{json .Server}}'",
    "version -f '{{.Server.Version}} {{range .Server.Components}}{{.Name}} {{.Details}}{{end}}'",
    "events --since 0s --until 0s --format '{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes}} {{.TimeNano}}'",
    "events --since 1h --until 0s --filter container=old --format '{{json .}}'",
    "events --since 1h --until 0s --filter container=old --format '{{.Type}} {{.Action}} {{.ID}} {{.Actor.Attributes}} {{.Scope}}'",
];

#[test]
fn both_clients_print_the_same() -> Result<()> {
    one(&["busybox"], |case| {
        case.ok("volume create --label k=v data")?;
        case.ok(
            "run -d --name web -p 8080:80 -v data:/data --label com.example.role=front --restart on-failure:3 \
             -e A=1 busybox sleep 1000",
        )?;
        case.ok("run --name old busybox echo done")?;
        let mut differences = Vec::new();
        // One moment for both: 0s would mean the second that each of them began in.
        let now = case.script("date +%s.%N")?.success()?.text().to_owned();
        for line in LINES {
            let line = &line.replace(" 0s", &format!(" {now}"));
            let mut told = |client| {
                case.client = client;
                let said = case.run(line)?;
                Ok::<_, anyhow::Error>(format!("{:?}\n{}{}", said.code, said.stdout, said.stderr))
            };
            let (theirs, ours) = (told(Client::Docker)?, told(Client::Corten)?);
            if theirs != ours {
                differences.push(format!("{line}\n--- docker {theirs}\n--- corten {ours}"));
            }
        }
        case.client = Client::Docker;
        case.ok("rm -f web old")?;
        case.ok("volume rm data")?;
        ensure!(
            differences.is_empty(),
            "{} lines\n{}",
            differences.len(),
            differences.join("\n")
        );
        Ok(())
    })
}
