//! The counters of a network namespace's interfaces.

use std::path::Path;

use corten_api::Map;
use corten_api::container::NetworkStats;

use super::read;

/// The interfaces in a process's `net/dev`, the loopback excepted; none when the process has ended.
pub(super) fn interfaces(path: &Path) -> Map<NetworkStats> {
    parse(&read::text(path))
}

/// proc_pid_net(5): eight columns of receipt, then eight of sending.
fn parse(text: &str) -> Map<NetworkStats> {
    let line = |line: &str| {
        let (name, counters) = line.split_once(':')?;
        let counters: Vec<u64> = counters
            .split_ascii_whitespace()
            .map(|word| word.parse().unwrap_or(0))
            .collect();
        let at = |index: usize| counters.get(index).copied().unwrap_or(0);
        let name = name.trim();
        (name != "lo").then(|| {
            let stats = NetworkStats {
                rx_bytes: at(0),
                rx_packets: at(1),
                rx_errors: at(2),
                rx_dropped: at(3),
                tx_bytes: at(8),
                tx_packets: at(9),
                tx_errors: at(10),
                tx_dropped: at(11),
            };
            (name.to_owned(), stats)
        })
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_each_interface_but_the_loopback() {
        let text = "Inter-|   Receive  |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0:     736       8    1    2    0     0          0         0      126       3    4    5    0     0       0          0\n";
        let map = parse(text);
        assert_eq!(map.len(), 1);
        let stats = map.get("eth0").copied().unwrap_or_default();
        assert_eq!(
            (stats.rx_bytes, stats.rx_packets, stats.rx_errors, stats.rx_dropped),
            (736, 8, 1, 2)
        );
        assert_eq!(
            (stats.tx_bytes, stats.tx_packets, stats.tx_errors, stats.tx_dropped),
            (126, 3, 4, 5)
        );
    }
}
