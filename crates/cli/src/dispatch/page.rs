//! The help pages of the program and of its groups.

use super::GLOBAL;
use crate::commands::GROUPS;
use crate::flag;
use crate::verb::Group;

/// All groups, commands and global options.
pub(super) fn overview(program: &str) -> String {
    let mut page = format!(
        "Usage:  {program} [OPTIONS] COMMAND\n\nContainers, images and everything around them\n\nManagement Commands:\n"
    );
    for group in GROUPS.iter().filter(|group| !group.name.is_empty()) {
        page.push_str(&format!("  {:11} {}\n", group.name, group.about));
    }
    page.push_str("\nCommands:\n");
    let mut verbs: Vec<_> = GROUPS
        .iter()
        .flat_map(|group| group.verbs.iter())
        .filter_map(|verb| Some((verb.shortcut?, verb.about)))
        .collect();
    verbs.sort_unstable();
    for (name, about) in verbs {
        page.push_str(&format!("  {name:11} {about}\n"));
    }
    page.push_str("\nGlobal Options:\n");
    page.push_str(&flag::print_flags(GLOBAL.iter().collect()));
    page.push_str(&format!(
        "\nRun '{program} COMMAND --help' for more information on a command.\n"
    ));
    page
}

/// The commands of one group.
pub(super) fn group_page(program: &str, group: &Group) -> String {
    let path = format!("{program} {}", group.name);
    let mut page = format!("Usage:  {path} COMMAND\n\n{}\n\nCommands:\n", group.about);
    let mut verbs: Vec<_> = group
        .verbs
        .iter()
        .filter_map(|verb| Some((*verb.names.first()?, verb.about)))
        .collect();
    verbs.sort_unstable();
    for (name, about) in verbs {
        page.push_str(&format!("  {name:11} {about}\n"));
    }
    page.push_str(&format!(
        "\nRun '{path} COMMAND --help' for more information on a command.\n"
    ));
    page
}
