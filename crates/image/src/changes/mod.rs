//! Dockerfile instructions given to `import --change` and `commit --change`, applied to a configuration. Texts of
//! errors and odd corners were observed on dockerd 28.5.

mod health;
mod line;
mod ports;
mod word;

use std::path::{Component, Path, PathBuf};

use crate::config::Config;
use line::Instruction;
use word::Words;

const SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// A change is wrong. Displays as Docker's message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ChangeError(pub String);

fn fail<T>(message: impl Into<String>) -> Result<T, ChangeError> {
    Err(ChangeError(message.into()))
}

/// Applies `changes` in order to `config`. Nothing is applied if one is wrong.
///
/// # Errors
/// At the first wrong one, with Docker's message.
pub fn apply(config: &mut Config, changes: &[String]) -> Result<(), ChangeError> {
    if changes.is_empty() {
        return Ok(());
    }
    let instructions = line::instructions(&changes.join("\n"));
    if instructions.is_empty() {
        return fail("file with no instructions");
    }
    if let Some(wrong) = instructions
        .iter()
        .find(|instruction| !is_allowed(&instruction.keyword))
    {
        return fail(format!("{} is not a valid change command", wrong.written));
    }
    let mut changed = config.clone();
    let mut has_command = false;
    for instruction in &instructions {
        if !matches!(instruction.keyword.as_str(), "HEALTHCHECK" | "ONBUILD")
            && let Some(flag) = instruction.flags.first()
        {
            return fail(format!("unknown flag: {}", flag.split('=').next().unwrap_or_default()));
        }
        one(&mut changed, instruction, &mut has_command)?;
    }
    *config = changed;
    Ok(())
}

fn is_allowed(keyword: &str) -> bool {
    let allowed = [
        "CMD",
        "ENTRYPOINT",
        "HEALTHCHECK",
        "ENV",
        "EXPOSE",
        "LABEL",
        "ONBUILD",
        "STOPSIGNAL",
        "USER",
    ];
    allowed.contains(&keyword) || ["VOLUME", "WORKDIR"].contains(&keyword)
}

fn one(config: &mut Config, instruction: &Instruction, has_command: &mut bool) -> Result<(), ChangeError> {
    let Instruction { keyword, rest, .. } = instruction;
    let env = config.env.clone();
    let words = Words::new(&env);
    match keyword.as_str() {
        "CMD" => {
            config.cmd = Some(command(rest)?);
            config.args_escaped = false;
            *has_command = true;
        }
        "ENTRYPOINT" => {
            config.entrypoint = Some(command(rest)?);
            if !*has_command {
                config.cmd = None;
            }
        }
        "HEALTHCHECK" => config.healthcheck = Some(health::parse(instruction)?),
        "ENV" => pairs(instruction, &words)?
            .into_iter()
            .for_each(|(key, value)| set_env(&mut config.env, &key, &value)),
        "LABEL" => config.labels.extend(pairs(instruction, &words)?),
        "EXPOSE" => add_all(&mut config.exposed_ports, ports::parse(rest, &words)?),
        "VOLUME" => add_all(&mut config.volumes, volumes(rest, &words)?),
        "USER" => config.user = words.expand(single(instruction)?)?,
        "WORKDIR" => config.working_dir = working_directory(&config.working_dir, &words.expand(single(instruction)?)?)?,
        "STOPSIGNAL" => config.stop_signal = stop_signal(words.expand(single(instruction)?)?)?,
        "ONBUILD" => config.on_build.push(trigger(rest)?),
        other => return fail(format!("{other} is not a valid change command")),
    }
    Ok(())
}

/// A list in JSON, or a text for the shell.
fn command(rest: &str) -> Result<Vec<String>, ChangeError> {
    if let Some(list) = line::json_list(rest)? {
        return Ok(list);
    }
    let text = (!rest.is_empty()).then_some(rest);
    Ok(SHELL.into_iter().chain(text).map(str::to_owned).collect())
}

fn single(instruction: &Instruction) -> Result<&str, ChangeError> {
    if instruction.rest.is_empty() {
        return fail(format!("{} requires exactly one argument", instruction.keyword));
    }
    Ok(&instruction.rest)
}

/// `key=value ...`, or the old form `key value with spaces`.
fn pairs(instruction: &Instruction, words: &Words<'_>) -> Result<Vec<(String, String)>, ChangeError> {
    let Instruction { keyword, rest, .. } = instruction;
    let list = line::words(rest);
    let Some(first) = list.first() else {
        return fail(format!("{keyword} requires at least one argument"));
    };
    let mut found = Vec::new();
    if first.contains('=') {
        for word in &list {
            let Some((key, value)) = word.split_once('=') else {
                return fail(format!(
                    "Syntax error - can't find = in {word:?}. Must be of the form: name=value"
                ));
            };
            found.push((key, value));
        }
    } else {
        match rest.split_once(char::is_whitespace) {
            Some((key, value)) => found.push((key, value.trim_start())),
            None => return fail(format!("{keyword} must have two arguments")),
        }
    }
    let mut expanded = Vec::new();
    for (key, value) in found {
        let key = words.expand(key)?;
        if key.is_empty() {
            return fail(format!("{keyword} names can not be blank"));
        }
        expanded.push((key, words.expand(value)?));
    }
    Ok(expanded)
}

fn set_env(env: &mut Vec<String>, key: &str, value: &str) {
    let text = format!("{key}={value}");
    let same = |entry: &String| entry.split('=').next() == Some(key);
    match env.iter().position(same) {
        Some(at) => env[at] = text,
        None => env.push(text),
    }
}

fn volumes(rest: &str, words: &Words<'_>) -> Result<Vec<String>, ChangeError> {
    let list = match line::json_list(rest)? {
        Some(list) => list,
        None => rest.split_whitespace().map(str::to_owned).collect(),
    };
    if list.is_empty() {
        return fail("VOLUME requires at least one argument");
    }
    let mut volumes = Vec::new();
    for word in &list {
        let volume = words.expand(word)?.trim().to_owned();
        if volume.is_empty() {
            return fail("VOLUME specified can not be an empty string");
        }
        volumes.push(volume);
    }
    Ok(volumes)
}

/// Sorted and without repetition, as Go's maps are written.
fn add_all(list: &mut Vec<String>, more: Vec<String>) {
    list.extend(more);
    list.sort();
    list.dedup();
}

fn working_directory(current: &str, wanted: &str) -> Result<String, ChangeError> {
    if wanted.is_empty() {
        return fail("cannot normalize nothing");
    }
    let mut clean = PathBuf::from("/");
    for component in Path::new("/").join(current).join(wanted).components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir => {
                clean.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok(clean.to_string_lossy().into_owned())
}

/// A number from 1 to 64 beyond which Docker does not look either, or a name with or without `SIG`.
fn stop_signal(text: String) -> Result<String, ChangeError> {
    let known = match text.parse::<i64>() {
        Ok(number) => number != 0,
        Err(_) => {
            let name = text.to_ascii_uppercase();
            is_signal(name.strip_prefix("SIG").unwrap_or(&name))
        }
    };
    if known {
        Ok(text)
    } else {
        fail(format!("invalid signal: {text}"))
    }
}

fn is_signal(name: &str) -> bool {
    const NAMES: [&str; 36] = [
        "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
        "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
        "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
    ];
    let offset = |prefix: &str, max: u8| {
        let number = name.strip_prefix(prefix).and_then(|digits| digits.parse::<u8>().ok());
        number.is_some_and(|number| (1..=max).contains(&number))
    };
    NAMES.contains(&name) || offset("RTMIN+", 15) || offset("RTMAX-", 14)
}

fn trigger(rest: &str) -> Result<String, ChangeError> {
    let keyword = rest.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    match keyword.as_str() {
        "" => fail("ONBUILD requires at least one argument"),
        "ONBUILD" => fail("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
        "MAINTAINER" | "FROM" => fail(format!("{keyword} isn't allowed as an ONBUILD trigger")),
        _ => Ok(rest.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(changes: &[&str]) -> Result<Config, String> {
        let mut config = Config::default();
        let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        apply(&mut config, &changes).map_err(|error| error.to_string())?;
        Ok(config)
    }

    /// Every line was given to dockerd 28.5.2.
    #[test]
    fn says_what_docker_says() {
        for (change, message) in [
            ("FOO bar", "FOO is not a valid change command"),
            ("foo bar", "foo is not a valid change command"),
            ("RUN x", "RUN is not a valid change command"),
            ("SHELL [\"a\"]", "SHELL is not a valid change command"),
            ("ENV", "ENV requires at least one argument"),
            ("ENV a", "ENV must have two arguments"),
            ("ENV =b", "ENV names can not be blank"),
            (
                "ENV A=1 # c",
                "Syntax error - can't find = in \"#\". Must be of the form: name=value",
            ),
            (
                "ENV A=\"x",
                "failed to process \"\\\"x\": unexpected end of statement while looking for matching double-quote",
            ),
            ("EXPOSE", "EXPOSE requires at least one argument"),
            ("EXPOSE abc", "Invalid containerPort: abc"),
            ("EXPOSE 80/xyz", "Invalid proto: xyz"),
            ("EXPOSE 99999", "Invalid containerPort: 99999"),
            ("EXPOSE 127.0.0.1:80", "Invalid hostPort: 127.0.0.1"),
            ("LABEL", "LABEL requires at least one argument"),
            ("LABEL a", "LABEL must have two arguments"),
            ("USER", "USER requires exactly one argument"),
            ("VOLUME", "VOLUME requires at least one argument"),
            ("VOLUME [\"\"]", "VOLUME specified can not be an empty string"),
            ("VOLUME []", "VOLUME requires at least one argument"),
            ("WORKDIR", "WORKDIR requires exactly one argument"),
            ("ONBUILD", "ONBUILD requires at least one argument"),
            ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
            (
                "ONBUILD ONBUILD x",
                "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
            ),
            ("STOPSIGNAL", "STOPSIGNAL requires exactly one argument"),
            ("STOPSIGNAL FOO", "invalid signal: FOO"),
            ("HEALTHCHECK", "HEALTHCHECK requires at least one argument"),
            ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
            ("HEALTHCHECK FOO x", "Unknown type \"FOO\" in HEALTHCHECK (try CMD)"),
            ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
            ("HEALTHCHECK --interval=x CMD a", "time: invalid duration \"x\""),
            ("HEALTHCHECK --foo=1s CMD a", "unknown flag: --foo"),
            (
                "HEALTHCHECK --interval=1us CMD a",
                "Interval \"interval\" cannot be less than 1ms",
            ),
            (
                "HEALTHCHECK --retries=x CMD a",
                "strconv.ParseInt: parsing \"x\": invalid syntax",
            ),
            ("HEALTHCHECK --retries=-1 CMD a", "--retries cannot be negative (-1)"),
            ("", "file with no instructions"),
            ("# comment", "file with no instructions"),
        ] {
            assert_eq!(applied(&[change]).map(|_| ()), Err(message.to_owned()), "{change}");
        }
    }

    #[test]
    fn all_together() {
        let config = applied(&[
            "CMD [\"a\", \"b\"]",
            "ENTRYPOINT foo $HOME bar",
            "ENV A=1 B=\"two words\" C='x $A'",
            "ENV D $A and more",
            "EXPOSE 80 53/udp",
            "LABEL x=y \"a b\"=c",
            "USER $A",
            "VOLUME /a /b",
            "VOLUME [\"/c d\"]",
            "WORKDIR foo",
            "WORKDIR bar",
            "ONBUILD RUN x y",
            "STOPSIGNAL SIGTERM",
            "HEALTHCHECK --interval=5s --timeout=1m --retries=3 --start-period=2s CMD curl x",
        ])
        .expect("all valid");
        assert_eq!(config.cmd.as_deref(), Some(&["a".to_owned(), "b".to_owned()][..]));
        assert_eq!(
            config.entrypoint.map(|list| list.join("|")).as_deref(),
            Some("/bin/sh|-c|foo $HOME bar")
        );
        assert_eq!(config.env, ["A=1", "B=two words", "C=x $A", "D=1 and more"]);
        assert_eq!(config.exposed_ports, ["53/udp", "80/tcp"]);
        assert_eq!(config.labels.get("a b").map(String::as_str), Some("c"));
        assert_eq!(config.volumes, ["/a", "/b", "/c d"]);
        assert_eq!((config.user.as_str(), config.working_dir.as_str()), ("1", "/foo/bar"));
        assert_eq!(
            (config.on_build, config.stop_signal.as_str()),
            (vec!["RUN x y".to_owned()], "SIGTERM")
        );
        let health = config.healthcheck.expect("health check");
        assert_eq!(health.test, ["CMD-SHELL", "curl x"]);
        assert_eq!(
            (health.interval, health.timeout, health.retries),
            (5_000_000_000, 60_000_000_000, 3)
        );
    }

    #[test]
    fn odd_corners() {
        let env = |change: &str| applied(&[change]).map(|config| config.env.join("|"));
        assert_eq!(env("ENV a b c"), Ok("a=b c".to_owned()));
        assert_eq!(env("ENV A=$B"), Ok("A=".to_owned()));
        assert_eq!(env("ENV A=${B:-x}"), Ok("A=x".to_owned()));
        assert_eq!(env("ENV A=a\\ b"), Ok("A=a b".to_owned()));
        let cmd = |change: &str| applied(&[change]).map(|config| config.cmd.unwrap_or_default().join("|"));
        assert_eq!(cmd("CMD [\"a\", \"b\""), Ok("/bin/sh|-c|[\"a\", \"b\"".to_owned()));
        assert_eq!(cmd("CMD"), Ok("/bin/sh|-c".to_owned()));
        assert_eq!(cmd("CMD a \\\n b"), Ok("/bin/sh|-c|a  b".to_owned()));
        assert_eq!(cmd("cmd echo hi"), Ok("/bin/sh|-c|echo hi".to_owned()));
        let ports = |change: &str| applied(&[change]).map(|config| config.exposed_ports.join(" "));
        assert_eq!(ports("EXPOSE 80-82"), Ok("80/tcp 81/tcp 82/tcp".to_owned()));
        assert_eq!(ports("EXPOSE 10-12:20-22/udp"), Ok("20/udp 21/udp 22/udp".to_owned()));
        assert_eq!(ports("EXPOSE 080 80/TCP"), Ok("80/tcp".to_owned()));
        assert_eq!(
            applied(&["WORKDIR /a/../b"]).map(|config| config.working_dir),
            Ok("/b".to_owned())
        );
        assert_eq!(applied(&["USER a b"]).map(|config| config.user), Ok("a b".to_owned()));
        let labels = applied(&["LABEL \"a\"=\"b\\\"c\" d='e f'"]).expect("valid").labels;
        assert_eq!(labels.get("a").map(String::as_str), Some("b\"c"));
        let signals = ["9", "term", "SIGRTMIN+3", "99"];
        assert!(
            signals
                .iter()
                .all(|signal| applied(&[&format!("STOPSIGNAL {signal}")]).is_ok())
        );
    }
}
