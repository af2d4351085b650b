//! A command: its names, its flags, how many arguments it takes, what it does.

use corten_client::Client;

use crate::config::{ConfigFile, Globals, choose, headers, proxies};
use crate::failure::Failure;
use crate::flag::{Page, Parsed, Rules};

/// One command of the program.
#[derive(Debug)]
pub(crate) struct Verb {
    /// Its name within its group, then the other names there.
    pub(crate) names: &'static [&'static str],
    /// Its name without a group, if it has one.
    pub(crate) shortcut: Option<&'static str>,
    /// What follows its name: `[OPTIONS] CONTAINER`.
    pub(crate) usage: &'static str,
    /// One sentence.
    pub(crate) about: &'static str,
    /// How many arguments it takes.
    pub(crate) arguments: Arguments,
    /// Its flags.
    pub(crate) rules: Rules,
    /// What it does.
    pub(crate) run: fn(&Invocation, &Parsed) -> Result<(), Failure>,
}

/// Commands under one noun.
#[derive(Debug)]
pub(crate) struct Group {
    /// The noun; empty for commands that have none.
    pub(crate) name: &'static str,
    /// One sentence.
    pub(crate) about: &'static str,
    /// Its commands.
    pub(crate) verbs: &'static [&'static Verb],
}

/// How many arguments a command takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Arguments {
    None,
    Exactly(usize),
    AtLeast(usize),
    AtMost(usize),
    Between(usize, usize),
}

/// A command as it was called.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// The program's name: `corten`, or `docker` where it is installed under that name.
    pub(crate) program: String,
    /// The command's words: `ps` or `container ls`.
    pub(crate) path: String,
    /// What follows them.
    pub(crate) usage: &'static str,
    /// What stood before the command.
    pub(crate) globals: Globals,
}

impl Arguments {
    /// The complaint about `count` arguments, without the command's name; `None` if they are fine.
    pub(crate) fn check(self, count: usize) -> Option<String> {
        let plural = |number: usize| if number == 1 { "argument" } else { "arguments" };
        match self {
            Self::None if count > 0 => Some("accepts no arguments".to_owned()),
            Self::Exactly(number) if count != number => Some(format!("requires {number} {}", plural(number))),
            Self::AtLeast(number) if count < number => Some(format!("requires at least {number} {}", plural(number))),
            Self::AtMost(number) if count > number => Some(format!("requires at most {number} {}", plural(number))),
            Self::Between(least, most) if !(least..=most).contains(&count) => {
                Some(format!("requires at least {least} and at most {most} {}", plural(most)))
            }
            Self::None | Self::Exactly(_) | Self::AtLeast(_) | Self::AtMost(_) | Self::Between(..) => None,
        }
    }

    /// The verb in the pointer to the help page, which Docker words differently.
    fn pointer(self) -> &'static str {
        match self {
            Self::AtLeast(_) => "See",
            Self::None | Self::Exactly(_) | Self::AtMost(_) | Self::Between(..) => "Run",
        }
    }
}

impl Invocation {
    /// A client of the chosen engine. Nothing is sent yet.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let version = std::env::var("DOCKER_API_VERSION")
            .ok()
            .filter(|version| !version.is_empty());
        let version = version.map(|version| version.trim_start_matches('v').to_owned());
        let endpoint = choose(&self.globals)?;
        let headers = headers(self.globals.file())?;
        Ok(Client::new(endpoint, version).with_headers(headers))
    }

    /// The variables of proxies for new containers, as the configuration file has them.
    pub(crate) fn proxies(&self) -> Result<Vec<(String, String)>, Failure> {
        let config = self.globals.file();
        if config.proxies.is_empty() {
            return Ok(Vec::new());
        }
        Ok(proxies(config, &choose(&self.globals)?.host.to_string()))
    }

    /// The user's configuration file.
    pub(crate) fn config(&self) -> ConfigFile {
        self.globals.file().clone()
    }

    /// The filters of a `prune`: those given, and those the configuration always applies.
    pub(crate) fn prune_filters(&self, parsed: &Parsed) -> corten_api::Filters {
        crate::pruned::with_configured(filters(parsed), &self.config().prune_filters)
    }

    /// The command's whole name.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.program, self.path)
    }

    fn usage_line(&self) -> String {
        // `cp` has a second form below the first.
        let usage = self.usage.replace("\tdocker ", &format!("\t{} ", self.program));
        format!("{} {usage}", self.name()).trim_end().to_owned()
    }

    /// The complaint about a wrong number of arguments.
    pub(crate) fn wrong_arguments(&self, arguments: Arguments, complaint: &str) -> Failure {
        let (program, name) = (&self.program, self.name());
        let text = format!(
            "{program}: '{name}' {complaint}\n\nUsage:  {}\n\n{} '{name} --help' for more information",
            self.usage_line(),
            arguments.pointer()
        );
        Failure::new(text)
    }

    /// The complaint about a flag.
    pub(crate) fn wrong_flag(&self, complaint: &str) -> Failure {
        let text = format!(
            "{complaint}\n\nUsage:  {}\n\nRun '{} --help' for more information",
            self.usage_line(),
            self.name()
        );
        Failure::new(text).code(crate::failure::ENGINE_FAILED)
    }

    /// A failure of `run` or `create` itself, with the pointer to its help page.
    pub(crate) fn with_help(&self, failure: Failure, verb: &str) -> Failure {
        let program = &self.program;
        let text = format!(
            "{program}: {}\n\nRun '{program} {verb} --help' for more information",
            failure.text
        );
        Failure {
            text,
            hint: failure.hint,
            code: crate::failure::ENGINE_FAILED,
        }
    }

    /// The command's help page.
    pub(crate) fn help(&self, verb: &Verb, group: &Group) -> String {
        let forms = verb.forms(&self.program, group);
        Page {
            usage: &self.usage_line(),
            about: verb.about,
            aliases: if forms.len() > 1 { &forms } else { &[] },
            tables: verb.rules.tables,
        }
        .render()
    }
}

impl Verb {
    /// Every way to call the command: `docker container ls`, `docker container list`, `docker ps`. A shortcut
    /// that stands in its group under a row of its own (`rmi`) has the forms of the command it is short for.
    pub(crate) fn forms(&self, program: &str, group: &Group) -> Vec<String> {
        let same = |other: &&&Verb| std::ptr::fn_addr_eq(other.run, self.run) && other.usage == self.usage;
        let rows: Vec<&&Verb> = group.verbs.iter().filter(same).collect();
        let mut forms = Vec::new();
        for name in rows.iter().flat_map(|row| row.names).filter(|_| !group.name.is_empty()) {
            forms.push(format!("{program} {} {name}", group.name));
        }
        forms.extend(
            rows.iter()
                .filter_map(|row| row.shortcut)
                .map(|name| format!("{program} {name}")),
        );
        forms
    }
}

/// Runs a command's calls to the end on this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start: {error}")))?
        .block_on(work)
}

/// The filters given with `--filter`.
pub(crate) fn filters(parsed: &Parsed) -> corten_api::Filters {
    let mut filters = corten_api::Filters::default();
    for text in parsed.list("filter") {
        if let Some((name, value)) = text.split_once('=') {
            filters.add(&name.trim().to_lowercase(), value.trim());
        }
    }
    filters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_about_arguments() {
        assert_eq!(Arguments::None.check(1).as_deref(), Some("accepts no arguments"));
        assert_eq!(Arguments::Exactly(2).check(1).as_deref(), Some("requires 2 arguments"));
        assert_eq!(
            Arguments::AtLeast(1).check(0).as_deref(),
            Some("requires at least 1 argument")
        );
        assert_eq!(
            Arguments::AtMost(1).check(2).as_deref(),
            Some("requires at most 1 argument")
        );
        assert_eq!(Arguments::AtLeast(1).check(3), None);
    }
}
