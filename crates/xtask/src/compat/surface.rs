//! What there is to be proven: the endpoints of API 1.51 with their parameters, the commands of the client with their
//! flags, as facts in docs/compat/surface; and what is known not to be proven, with the reason.

use std::path::Path;

use anyhow::{Context as _, Result};

const DIRECTORY: &str = "docs/compat/surface";

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Surface {
    /// In the order of the API's own description.
    pub(super) endpoints: Vec<Endpoint>,
    /// By name; the first has the options that stand before the command.
    pub(super) commands: Vec<Command>,
    rules: Vec<(String, String)>,
}

/// One call.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// `GET /containers/{id}/json`.
    pub(super) call: String,
    /// Keys of its query.
    pub(super) queries: Vec<String>,
    /// Fields of its body, `HostConfig.Memory`.
    pub(super) fields: Vec<String>,
}

/// One command.
#[derive(Debug)]
pub(super) struct Command {
    /// `container ls`; empty for what stands before the command.
    pub(super) name: String,
    /// Other ways to call it: `ps`, `container list`.
    pub(super) forms: Vec<String>,
    /// Options end at the first argument.
    pub(super) options_first: bool,
    /// Its flags.
    pub(super) flags: Vec<Flag>,
}

/// One flag.
#[derive(Debug)]
pub(super) struct Flag {
    /// Without dashes.
    pub(super) name: String,
    /// The letter, if there is one.
    pub(super) short: Option<char>,
    /// Whether a value follows.
    pub(super) takes_value: bool,
    /// Where it is not in every client: `29`, `corten`, `hidden`.
    pub(super) remark: Option<String>,
}

impl Surface {
    /// Reads the files of the repository.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let text = |name: &str| {
            let path = root.join(DIRECTORY).join(name);
            std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
        };
        Ok(Self {
            endpoints: endpoints(&text("api-1.51.txt")?),
            commands: commands(&text("docker-cli.txt")?),
            rules: rules(&text("remarks.txt")?),
        })
    }

    /// What is known of an item that no test proves, or that is there and does nothing.
    pub(super) fn remark(&self, item: &str) -> Option<&str> {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => item.starts_with(start),
            None => item == pattern,
        };
        let rules = self.rules.iter().filter(|(pattern, _)| fits(pattern));
        let longest = rules.max_by_key(|(pattern, _)| pattern.len())?;
        Some(&longest.1)
    }
}

/// Lines that are not comments; deeper ones belong to the one above.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn endpoints(text: &str) -> Vec<Endpoint> {
    let mut all: Vec<Endpoint> = Vec::new();
    for line in lines(text) {
        match (line.trim_start().split_once(' '), all.last_mut()) {
            (Some(("query", key)), Some(last)) => last.queries.push(key.to_owned()),
            (Some(("body", field)), Some(last)) => last.fields.push(field.to_owned()),
            _ => all.push(Endpoint {
                call: line.to_owned(),
                queries: Vec::new(),
                fields: Vec::new(),
            }),
        }
    }
    all
}

fn commands(text: &str) -> Vec<Command> {
    let mut all: Vec<Command> = Vec::new();
    for line in lines(text) {
        match (line.strip_prefix("  "), all.last_mut()) {
            (Some(flag), Some(last)) => last.flags.extend(read_flag(flag)),
            _ => all.push(command(line)),
        }
    }
    all
}

fn command(line: &str) -> Command {
    let (head, forms) = line.split_once(" = ").unwrap_or((line, ""));
    let name = head.trim_end_matches(" [options first]");
    Command {
        name: if name.starts_with('(') { "" } else { name }.to_owned(),
        forms: forms
            .split(", ")
            .filter(|form| !form.is_empty())
            .map(str::to_owned)
            .collect(),
        options_first: name != head || name.starts_with('('),
        flags: Vec::new(),
    }
}

/// `-a --all`, `-f --filter value`, `--tree (29)`.
fn read_flag(line: &str) -> Option<Flag> {
    let words: Vec<&str> = line.split(' ').collect();
    let name = words.iter().find_map(|word| word.strip_prefix("--"))?;
    let short = words
        .first()
        .filter(|word| word.len() == 2)
        .and_then(|word| word.chars().nth(1));
    let remark = words.last().and_then(|word| word.strip_prefix('(')?.strip_suffix(')'));
    Some(Flag {
        name: name.to_owned(),
        short,
        takes_value: words.contains(&"value"),
        remark: remark.map(str::to_owned),
    })
}

fn rules(text: &str) -> Vec<(String, String)> {
    lines(text)
        .filter_map(|line| line.split_once(" = "))
        .map(|(pattern, remark)| (pattern.to_owned(), remark.to_owned()))
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A small one.
    pub(in crate::compat) fn small() -> Surface {
        Surface {
            endpoints: endpoints("GET /images/json\n  query all\nGET /images/{name}/json\nPOST /build\n  body Image\n"),
            commands: commands(
                "(before the command)\n  -H --host value\ncontainer ls = container list, ps\n  -a --all\n  -f --filter value\n\
                 container run [options first] = run\n  -i --interactive\n  -t --tty\n  -p --publish value\n  --rm\n  --tree (29)\n",
            ),
            rules: rules("POST /build* = waits: build\nPOST /build#Image = ignored: so\n"),
        }
    }

    #[test]
    fn reads_facts_and_remarks() {
        let surface = small();
        assert_eq!(surface.endpoints[0].queries, ["all"]);
        assert_eq!(surface.commands[1].forms, ["container list", "ps"]);
        assert!(surface.commands[0].options_first && surface.commands[2].options_first);
        let publish = &surface.commands[2].flags[2];
        assert!(publish.takes_value && publish.short == Some('p'));
        assert_eq!(surface.commands[2].flags[4].remark.as_deref(), Some("29"));
        assert_eq!(surface.remark("POST /build?t"), Some("waits: build"));
        assert_eq!(surface.remark("POST /build#Image"), Some("ignored: so"));
        assert_eq!(surface.remark("GET /images/json"), None);
    }
}
