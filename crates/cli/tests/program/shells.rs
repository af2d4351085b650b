//! Completion in the shells themselves: bash and zsh at a terminal, with the tabulator key, and what fish would offer; under
//! both names of the program, with the names that an engine has. A shell that is not installed is skipped.

use std::process::Command;

use crate::completion::engine;
use crate::scripted::{Engine, finish};
use crate::terminal::Terminal;

/// A directory whose `corten` is the program, and whose `docker` is the program or another one.
fn names(docker_is_corten: bool) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, directory.path().join(name)).expect("a link");
    };
    link(env!("CARGO_BIN_EXE_corten"), "corten");
    link(if docker_is_corten { "corten" } else { "/bin/true" }, "docker");
    directory
}

/// The shell, if it is there, with nothing of the user's surroundings.
fn shell(name: &str, programs: &tempfile::TempDir, engine: &Engine) -> Option<Command> {
    if Command::new(name).arg("--version").output().is_err() {
        println!("skip: no {name} installed");
        return None;
    }
    let mut shell = Command::new(name);
    let home = programs.path();
    shell
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", home.display()))
        .env("HOME", home)
        .env("ZDOTDIR", home)
        .env("INPUTRC", "/dev/null")
        .env("TERM", "dumb")
        .env("CORTEN_HOST", engine.address())
        .env("DOCKER_HOST", engine.address());
    Some(shell)
}

/// What is typed, `\t` being the key that completes, and the words that the program then gets.
const TYPED: [(&str, &str); 7] = [
    ("contai\trm -f we\t", "container rm -f web"),
    ("stop we\t", "stop web"),
    ("rm -f web as\t", "rm -f web asleep"),
    ("run --network=ba\tnginx:1\t", "run --network=back nginx:1.25"),
    ("run --rm --hostn\tx nginx:l\t", "run --rm --hostname x nginx:latest"),
    ("inspect da\t", "inspect data"),
    ("run --env-file /etc/host.c\tx", "run --env-file /etc/host.conf x"),
];

/// Programs that tell what they are called with, and complete as ours do.
const TELLING: &str = r#"corten() { case $1 in __*|completion) command corten "$@";; *) echo "<$*>";; esac; }
docker() { case $1 in __*|completion) command docker "$@";; *) echo "<$*>";; esac; }
"#;

/// Types everything into the shell with each of both names.
fn at_a_terminal(name: &str, arguments: &[&str], prepare: &str) {
    let engine = Engine::start(engine);
    let programs = names(true);
    let Some(mut shell) = shell(name, &programs, &engine) else {
        return;
    };
    shell.args(arguments);
    let mut terminal = Terminal::open();
    let mut running = terminal.spawn(shell);
    terminal.type_keys(format!("{TELLING}{prepare}\necho it is re''ady\n").as_bytes());
    terminal.read_until("it is ready");
    for program in ["corten", "docker"] {
        for (keys, words) in TYPED {
            terminal.type_keys(format!("{program} {keys}\n").as_bytes());
            terminal.read_until(&format!("<{words}>"));
        }
    }
    terminal.type_keys(b"exit\n");
    running.wait().expect("the shell ends");
}

#[test]
fn bash_completes_at_the_terminal() {
    let prepare = "bind 'set enable-bracketed-paste off'\nsource <(corten completion bash)";
    at_a_terminal("bash", &["--norc", "--noprofile", "-i"], prepare);
}

#[test]
fn zsh_completes_at_the_terminal() {
    let prepare =
        "unsetopt zle_bracketed_paste\nautoload -Uz compinit; compinit -u -D; source <(corten completion zsh)";
    at_a_terminal("zsh", &["-f", "-i"], prepare);
}

#[test]
fn fish_offers_them_under_both_names() {
    let engine = Engine::start(engine);
    let programs = names(true);
    for program in ["corten", "docker"] {
        for (line, expected) in [
            ("rm -f ", "asleep old web"),
            ("stop w", "web"),
            ("run --network=ba", "--network=back"),
            ("run nginx:1", "nginx:1.25"),
            ("container una", ""),
            ("kill -s SIGUSR", "SIGUSR1 SIGUSR2"),
            ("run --env-file /etc/host.c", "/etc/host.conf"),
        ] {
            let Some(mut fish) = shell("fish", &programs, &engine) else {
                return;
            };
            let script = format!("corten completion fish | source; complete -C '{program} {line}'");
            fish.args(["--no-config", "-c", &script]);
            let output = finish(fish, "");
            let said = String::from_utf8_lossy(&output.stdout);
            let mut found: Vec<&str> = said.lines().filter_map(|line| line.split('\t').next()).collect();
            found.sort_unstable();
            assert_eq!(found.join(" "), expected, "{program} {line}: {said}");
        }
    }
}

/// Where `docker` is another program, its completion is left alone.
#[test]
fn another_docker_keeps_its_own_completion() {
    let engine = Engine::start(engine);
    let programs = names(false);
    for (name, arguments, script) in [
        (
            "bash",
            "--norc",
            "source <(corten completion bash); complete -p docker || echo none",
        ),
        (
            "zsh",
            "-f",
            "autoload -Uz compinit; compinit -u -D; _docker() { :; }; compdef _docker docker; \
             source <(corten completion zsh); [[ $_comps[docker] == _docker ]] && echo none",
        ),
        (
            "fish",
            "--no-config",
            "corten completion fish | source; complete -C 'docker kill -s SIGUSR' | string match -q 'SIG*'; or echo none",
        ),
    ] {
        let Some(mut shell) = shell(name, &programs, &engine) else {
            continue;
        };
        shell.args([arguments, "-c", script]);
        let output = finish(shell, "");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "none\n", "{name}: {output:?}");
    }
}
