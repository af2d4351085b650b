//! The engine's page, made of what its program says for `--help`: the one place where its flags are described.

use std::process::Command;

use super::roff::Roff;

const NAME: &str = "cortend";

const FILES: [(&str, &str); 3] = [
    ("/etc/corten/daemon.json", "The configuration: each flag under its name"),
    ("/var/lib/corten", "Images, containers, volumes"),
    ("/run/corten", "Sockets and what runs"),
];

/// The page, in English as all that the engine says; `None` without a program beside this one that can be asked.
pub(super) fn page() -> Option<String> {
    let program = std::env::current_exe().ok()?.with_file_name(NAME);
    let output = Command::new(program).arg("--help").output().ok()?;
    let help = String::from_utf8(output.stdout)
        .ok()
        .filter(|_| output.status.success())?;
    Some(write(&help))
}

fn write(help: &str) -> String {
    let mut page = Roff::of_section(8, NAME, "the Corten daemon");
    page.heading("SYNOPSIS");
    page.bold(&format!("{NAME} [OPTIONS]"));
    page.heading("OPTIONS");
    for (term, sentence) in help.lines().filter_map(option) {
        page.item(term, sentence);
    }
    page.heading("FILES");
    for (path, text) in FILES {
        page.item(path, text);
    }
    page.heading("SEE ALSO");
    page.text("corten(1)");
    page.finish()
}

/// `-b, --bridge string` and its sentence, out of a line of the help page.
fn option(line: &str) -> Option<(&str, &str)> {
    let line = line.trim().strip_prefix('-').map(|_| line.trim())?;
    let at = line.match_indices(' ').map(|(at, _)| at).find(|at| {
        let rest = &line[*at..];
        rest.starts_with("  ") || rest.trim_start().starts_with(|first: char| first.is_ascii_uppercase())
    })?;
    Some((line[..at].trim_end(), line[at..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_options_are_taken_apart() {
        for (line, expected) in [
            (
                "  -b, --bridge string     Bridge to use",
                Some(("-b, --bridge string", "Bridge to use")),
            ),
            (
                "      --icc               Let containers",
                Some(("--icc", "Let containers")),
            ),
            (
                "      --a-very-long-option list Does it",
                Some(("--a-very-long-option list", "Does it")),
            ),
            ("Options:", None),
            ("", None),
        ] {
            assert_eq!(option(line), expected, "{line}");
        }
    }

    #[test]
    fn the_page_has_the_flags() {
        let page = write("Usage: cortend\n\nOptions:\n      --icc       Let containers\n");
        assert!(page.starts_with(".TH \"CORTEND\" \"8\""), "{page}");
        assert!(page.contains(".TP\n\\fB\\-\\-icc\\fR\nLet containers\n"), "{page}");
    }
}
