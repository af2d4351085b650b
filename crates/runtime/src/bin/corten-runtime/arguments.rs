//! The command line, as runc has it. Options that are not built are refused by name.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};

pub(crate) const USAGE: &str = "\
usage: corten-runtime [--root DIR] [--log FILE] [--log-format text|json] [--debug] [--systemd-cgroup] COMMAND

  create  [--bundle DIR] [--pid-file FILE] [--console-socket PATH] [--preserve-fds N] ID
  run     like create, then start and wait; [--detach]
  start   ID
  state   ID
  kill    [--all] ID [SIGNAL]
  delete  [--force] ID
  exec    [--process FILE] [--tty] [--cwd DIR] [--env NAME=VALUE] [--user UID[:GID]] [--detach]
          [--pid-file FILE] [--console-socket PATH] ID [COMMAND ARG...]
  ps      [--format table|json] ID
  list    [--format table|json] [--quiet]
  pause   ID
  resume  ID
  spec    [--bundle DIR]
  features";

/// Options before the command.
#[derive(Debug)]
pub(crate) struct Global {
    pub(crate) root: PathBuf,
    pub(crate) log: Option<PathBuf>,
    pub(crate) log_json: bool,
    /// systemd makes the control groups.
    pub(crate) systemd: bool,
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    Create(CreateOptions),
    Run(CreateOptions),
    Start { id: String },
    State { id: String },
    Kill { id: String, signal: String, all: bool },
    Delete { id: String, force: bool },
    Exec(ExecOptions),
    Processes { id: String, json: bool },
    List { json: bool, quiet: bool },
    Pause { id: String },
    Resume { id: String },
    Spec { bundle: PathBuf },
    Features,
    Version,
    Help,
}

/// Options of `create` and `run`.
#[derive(Debug, Default)]
pub(crate) struct CreateOptions {
    pub(crate) id: String,
    pub(crate) bundle: PathBuf,
    pub(crate) pid_file: Option<PathBuf>,
    pub(crate) console_socket: Option<PathBuf>,
    pub(crate) preserved_descriptors: u32,
    pub(crate) detach: bool,
}

/// Options of `exec`.
#[derive(Debug, Default)]
pub(crate) struct ExecOptions {
    pub(crate) id: String,
    pub(crate) process: Option<PathBuf>,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<String>,
    pub(crate) cwd: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) tty: bool,
    pub(crate) detach: bool,
    pub(crate) pid_file: Option<PathBuf>,
    pub(crate) console_socket: Option<PathBuf>,
}

/// Words of the command line; `--name=value` gives two.
struct Words<'a> {
    words: &'a mut dyn Iterator<Item = String>,
    value: Option<String>,
}

impl Words<'_> {
    /// The next option or operand. `None`: the end.
    fn next(&mut self) -> Result<Option<String>> {
        if let Some(value) = self.value.take() {
            bail!("unexpected value {value:?}");
        }
        let Some(word) = self.words.next() else { return Ok(None) };
        match word.split_once('=') {
            Some((name, value)) if word.starts_with("--") => {
                self.value = Some(value.to_owned());
                Ok(Some(name.to_owned()))
            }
            _ => Ok(Some(word)),
        }
    }

    fn value(&mut self, option: &str) -> Result<String> {
        self.value
            .take()
            .or_else(|| self.words.next())
            .ok_or_else(|| anyhow!("option {option} needs a value"))
    }
}

/// Parses everything after the program's name.
pub(crate) fn parse(words: &mut dyn Iterator<Item = String>) -> Result<(Global, Command)> {
    let mut words = Words { words, value: None };
    let mut global = Global {
        root: "/run/corten-runtime".into(),
        log: None,
        log_json: false,
        systemd: false,
    };
    let command = loop {
        let Some(word) = words.next()? else { break Command::Help };
        match word.as_str() {
            "--root" => global.root = words.value(&word)?.into(),
            "--log" => global.log = Some(words.value(&word)?.into()),
            "--log-format" => global.log_json = words.value(&word)? == "json",
            "--debug" => {}
            "--systemd-cgroup" => global.systemd = true,
            "--rootless" => {
                if words.value(&word)? == "true" {
                    bail!("--rootless is not supported");
                }
            }
            "--version" | "-v" => break Command::Version,
            "--help" | "-h" | "help" => break Command::Help,
            command => break parse_command(command, &mut words)?,
        }
    };
    Ok((global, command))
}

fn parse_command(command: &str, words: &mut Words<'_>) -> Result<Command> {
    match command {
        "create" => Ok(Command::Create(create(words)?)),
        "run" => Ok(Command::Run(create(words)?)),
        "exec" => Ok(Command::Exec(exec(words)?)),
        "start" => Ok(Command::Start { id: only_id(words)? }),
        "state" => Ok(Command::State { id: only_id(words)? }),
        "pause" => Ok(Command::Pause { id: only_id(words)? }),
        "resume" => Ok(Command::Resume { id: only_id(words)? }),
        "features" => Ok(Command::Features),
        "kill" | "delete" | "ps" | "list" | "spec" => parse_simple(command, words),
        other => bail!("unknown command {other:?}"),
    }
}

fn parse_simple(command: &str, words: &mut Words<'_>) -> Result<Command> {
    let (mut all, mut force, mut json, mut quiet) = (false, false, false, false);
    let mut bundle = PathBuf::from(".");
    let mut operands = Vec::new();
    while let Some(word) = words.next()? {
        match (command, word.as_str()) {
            ("kill", "--all" | "-a") => all = true,
            ("delete", "--force" | "-f") => force = true,
            ("ps" | "list", "--format" | "-f") => json = words.value(&word)? == "json",
            ("list", "--quiet" | "-q") => quiet = true,
            ("spec", "--bundle" | "-b") => bundle = words.value(&word)?.into(),
            (_, option) if option.starts_with("--") => bail!("option {option} of {command} is not supported"),
            _ => operands.push(word),
        }
    }
    let mut operands = operands.into_iter();
    let mut id = || operands.next().context("missing container id");
    match command {
        "kill" => Ok(Command::Kill {
            id: id()?,
            signal: operands.next().unwrap_or("SIGTERM".into()),
            all,
        }),
        "delete" => Ok(Command::Delete { id: id()?, force }),
        "ps" => Ok(Command::Processes { id: id()?, json }),
        "list" => Ok(Command::List { json, quiet }),
        _ => Ok(Command::Spec { bundle }),
    }
}

fn only_id(words: &mut Words<'_>) -> Result<String> {
    let id = words.next()?.context("missing container id")?;
    match words.next()? {
        None => Ok(id),
        Some(word) => bail!("unexpected argument {word:?}"),
    }
}

fn create(words: &mut Words<'_>) -> Result<CreateOptions> {
    let mut options = CreateOptions {
        bundle: ".".into(),
        ..CreateOptions::default()
    };
    while let Some(word) = words.next()? {
        match word.as_str() {
            "--bundle" | "-b" => options.bundle = words.value(&word)?.into(),
            "--pid-file" => options.pid_file = Some(words.value(&word)?.into()),
            "--console-socket" => options.console_socket = Some(words.value(&word)?.into()),
            "--preserve-fds" => {
                options.preserved_descriptors = words.value(&word)?.parse().context("--preserve-fds")?
            }
            "--detach" | "-d" => options.detach = true,
            option if option.starts_with('-') => bail!("option {option} is not supported"),
            _ if options.id.is_empty() => options.id = word,
            other => bail!("unexpected argument {other:?}"),
        }
    }
    if options.id.is_empty() {
        bail!("missing container id");
    }
    Ok(options)
}

fn exec(words: &mut Words<'_>) -> Result<ExecOptions> {
    let mut options = ExecOptions::default();
    while let Some(word) = words.next()? {
        match word.as_str() {
            "--process" | "-p" => options.process = Some(words.value(&word)?.into()),
            "--tty" | "-t" => options.tty = true,
            "--detach" | "-d" => options.detach = true,
            "--cwd" => options.cwd = Some(words.value(&word)?),
            "--env" | "-e" => options.env.push(words.value(&word)?),
            "--user" | "-u" => options.user = Some(words.value(&word)?),
            "--pid-file" => options.pid_file = Some(words.value(&word)?.into()),
            "--console-socket" => options.console_socket = Some(words.value(&word)?.into()),
            option if option.starts_with('-') => bail!("option {option} of exec is not supported"),
            _ => {
                options.id = word;
                // Everything after the id is the program's.
                options.args = std::iter::from_fn(|| words.words.next()).collect();
                break;
            }
        }
    }
    if options.id.is_empty() || (options.args.is_empty() && options.process.is_none()) {
        bail!("exec needs a container id and a command");
    }
    Ok(options)
}
