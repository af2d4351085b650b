//! Rows and titles, cut into cells as Docker cuts the output of `ps` (pure).

use std::collections::{BTreeMap, BTreeSet};

use corten_api::List;
use corten_api::container::ContainerTop;
use corten_base::zone::Zone;

use super::arguments::Wanted;
use super::column::{Scene, cell};
use super::process::{Host, Process};
use crate::error::{Error, Result};

/// The table that was wanted.
///
/// # Errors
/// There is no column PID: Docker needs it to tell which rows are the container's.
pub(super) fn table(wanted: &Wanted, processes: &[Process], host: &Host, zone: &Zone) -> Result<ContainerTop> {
    let header: Vec<&str> = wanted.columns.iter().map(|heading| heading.title.as_str()).collect();
    let header = header.join(" ");
    let titles: Vec<String> = header.split_ascii_whitespace().map(str::to_owned).collect();
    if wanted.no_headers || !titles.iter().any(|title| title == "PID") {
        return Err(Error::internal("Couldn't find PID field in ps output"));
    }
    let rows = if wanted.forest {
        forest(processes)
    } else {
        processes.iter().map(|process| (process, String::new())).collect()
    };
    let rows: Vec<List<String>> = rows
        .into_iter()
        .map(|(process, branch)| {
            let scene = Scene {
                host,
                zone,
                branch: &branch,
            };
            let row: Vec<String> = wanted
                .columns
                .iter()
                .map(|heading| cell(heading.column, process, &scene))
                .collect();
            List::from(cells(&row.join(" "), titles.len()))
        })
        .collect();
    Ok(ContainerTop {
        processes: List::from(rows),
        titles: List::from(titles),
    })
}

/// At most `count` words; the last one takes what overhangs.
fn cells(row: &str, count: usize) -> Vec<String> {
    let words: Vec<&str> = row.split_ascii_whitespace().collect();
    let (alone, last) = words.split_at(words.len().min(count.saturating_sub(1)));
    let mut cells: Vec<String> = alone.iter().map(|word| (*word).to_owned()).collect();
    cells.push(last.join(" "));
    cells
}

/// Parents before their children, each with the branch that leads to it.
fn forest(processes: &[Process]) -> Vec<(&Process, String)> {
    let own: BTreeSet<i64> = processes.iter().map(|process| i64::from(process.pid)).collect();
    let mut children: BTreeMap<i64, Vec<&Process>> = BTreeMap::new();
    for process in processes {
        let parent = Some(process.stat.parent).filter(|parent| own.contains(parent));
        children.entry(parent.unwrap_or(0)).or_default().push(process);
    }
    let mut rows = Vec::new();
    let mut open: Vec<(&Process, usize)> = Vec::new();
    let roots = children.remove(&0).unwrap_or_default();
    open.extend(roots.into_iter().rev().map(|process| (process, 0)));
    while let Some((process, depth)) = open.pop() {
        rows.push((process, format!("{}\\_ ", "    ".repeat(depth))));
        let found = children.remove(&i64::from(process.pid)).unwrap_or_default();
        open.extend(found.into_iter().rev().map(|child| (child, depth + 1)));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::arguments::parse;
    use crate::top::process::Stat;

    fn process(pid: u32, parent: i64, command: &str) -> Process {
        Process {
            pid,
            command: command.to_owned(),
            stat: Stat {
                parent,
                state: 'S',
                ..Stat::default()
            },
            ..Process::default()
        }
    }

    fn shown(arguments: &str) -> Result<Vec<Vec<String>>> {
        let processes = [
            process(5, 1, "sh"),
            process(6, 7, "c"),
            process(7, 5, "b b"),
            process(8, 5, "d"),
        ];
        let host = Host {
            now: corten_base::Timestamp::from_unix(100, 0),
            uptime_seconds: 50,
            ticks_per_second: 100,
            page_kib: 4,
            memory_kib: 1000,
        };
        let top = table(&parse(arguments)?, &processes, &host, &Zone::utc())?;
        Ok(top.processes.iter().map(|row| row.to_vec()).collect())
    }

    #[test]
    fn what_overhangs_goes_into_the_last_cell() {
        assert_eq!(cells("1 a b  c", 2), ["1", "a b c"]);
        assert_eq!(cells("1", 2), ["1", ""]);
        let rows = shown("-o pid,comm").expect("valid");
        assert_eq!(rows.get(2), Some(&vec!["7".to_owned(), "b b".to_owned()]));
    }

    #[test]
    fn forests_put_children_below_their_parents() {
        let rows = shown("-o pid,comm --forest").expect("valid");
        let order: Vec<&str> = rows.iter().filter_map(|row| row.first()).map(String::as_str).collect();
        assert_eq!(order, ["5", "7", "6", "8"]);
        assert_eq!(
            rows.first().and_then(|row| row.get(1)).map(String::as_str),
            Some("\\_ sh")
        );
    }

    #[test]
    fn there_must_be_pids() {
        for arguments in ["-o comm", "-o pid=FOO", "aux --no-headers"] {
            assert_eq!(
                shown(arguments).expect_err("refused").message,
                "Couldn't find PID field in ps output"
            );
        }
    }
}
