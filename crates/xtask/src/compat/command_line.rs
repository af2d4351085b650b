//! Which command and flags the words of a client's command line are (pure): by the rules of Docker's client, so that
//! `-itd`, `-p80:80`, `--opt=val` and options that end at the image count as what they are.

use super::surface::{Command, Flag};

/// What a command line uses: the command's name, the form it was called by, `container run --rm`.
pub(super) fn items(commands: &[Command], words: &[String]) -> Option<Vec<String>> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let before = commands.iter().find(|command| command.name.is_empty())?;
    let (mut items, rest) = read(before, &words)?;
    let found = commands
        .iter()
        .filter(|command| !command.name.is_empty())
        .flat_map(|command| {
            std::iter::once(&command.name)
                .chain(&command.forms)
                .map(move |form| (command, form))
        })
        .filter(|(_, form)| starts_with(&rest, form))
        .max_by_key(|(_, form)| form.len());
    let Some((command, form)) = found else {
        // Without a command the overview is shown.
        items.extend(rest.is_empty().then(String::new));
        return Some(items);
    };
    let behind = rest.get(form.split(' ').count()..).unwrap_or_default();
    if behind
        .iter()
        .take_while(|word| **word != "--")
        .any(|word| *word == "--help")
        && !command.options_first
    {
        return None;
    }
    let (flags, _) = read(command, behind)?;
    items.push(command.name.clone());
    if *form != command.name {
        items.push(format!("{} = {form}", command.name));
    }
    items.extend(flags);
    Some(items)
}

fn starts_with(words: &[&str], form: &str) -> bool {
    let form: Vec<&str> = form.split(' ').collect();
    words.starts_with(&form)
}

/// The flags among `words`, and what is behind the first argument if options end there.
fn read<'a>(command: &Command, words: &[&'a str]) -> Option<(Vec<String>, Vec<&'a str>)> {
    let mut items = Vec::new();
    let mut rest = words.iter();
    while let Some(&word) = rest.next() {
        if word == "--" {
            break;
        }
        if word == "--help" {
            return None;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = long
                .split_once('=')
                .map_or((long, None), |(name, value)| (name, Some(value)));
            let flag = command.flags.iter().find(|flag| flag.name == name)?;
            if flag.takes_value && value.is_none() {
                rest.next()?;
            }
            items.push(flag.item(command));
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            if bundle(command, letters, &mut items)? {
                rest.next()?;
            }
        } else if command.options_first {
            return Some((items, std::iter::once(word).chain(rest.copied()).collect()));
        }
    }
    Some((items, rest.copied().collect()))
}

/// Reads `itp80:80`; tells whether the last one's value is the next word.
fn bundle(command: &Command, letters: &str, items: &mut Vec<String>) -> Option<bool> {
    for (at, letter) in letters.char_indices() {
        let flag = command.flags.iter().find(|flag| flag.short == Some(letter))?;
        items.push(flag.item(command));
        let behind = letters.get(at + letter.len_utf8()..).unwrap_or_default();
        if flag.takes_value || behind.starts_with('=') {
            return Some(behind.is_empty());
        }
    }
    Some(false)
}

impl Flag {
    /// `container run --rm`; ` --host` before the command.
    pub(super) fn item(&self, command: &Command) -> String {
        format!("{} --{}", command.name, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::surface::tests::small;
    use super::*;

    #[test]
    fn words_become_what_they_use() {
        let surface = small();
        let used = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            items(&surface.commands, &words).map(|items| items.join(", "))
        };
        assert_eq!(
            used("-H unix:///x run -itp80:80 --rm image -a --publish").as_deref(),
            Some(
                " --host, container run, container run = run, container run --interactive, container run --tty, \
                 container run --publish, container run --rm"
            )
        );
        assert_eq!(
            used("container ls x -f=a=b --all=false").as_deref(),
            Some("container ls, container ls --filter, container ls --all")
        );
        assert_eq!(used("ps --bogus"), None);
        assert_eq!(used("ps --help"), None);
        assert_eq!(used("-H x nothing").as_deref(), Some(" --host"));
        assert_eq!(used("-H x").as_deref(), Some(" --host, "));
    }
}
