//! Other people's firewalls while the daemon runs: tables of ours that somebody removed (`nft flush ruleset`, a service
//! that loads its rules so) are written again at once, and chains that keep packets from containers are told of.

use std::collections::BTreeSet;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Weak};

use corten_sys::nftables::watch::{self, News};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::core::{Core, blocking};
use crate::ready;

/// Starts to listen; without a kernel that tells, said once, tables come back at the next change of a network.
pub(crate) fn keep(core: &Arc<Core>) {
    let socket = watch::open().and_then(|socket| ready::watch(socket, Interest::READABLE));
    match socket {
        Ok(socket) => {
            tokio::spawn(listen(socket, Arc::downgrade(core)));
        }
        Err(error) => tracing::warn!(%error, "changes of the firewall by others go unnoticed"),
    }
}

async fn listen(socket: AsyncFd<OwnedFd>, core: Weak<Core>) {
    let Some(mut known) = baseline(&core).await else { return };
    loop {
        let Ok(mut guard) = socket.readable().await else { return };
        let mut news = News::default();
        while let Ok(more) = guard.try_io(|socket| watch::read(socket.get_ref().as_fd())) {
            let Ok(more) = more else { return };
            news = news.and(more);
        }
        if news == News::default() {
            continue;
        }
        let Some(core) = core.upgrade() else { return };
        let told = known.clone();
        let looked = blocking(&core, move |core| {
            if news.table_lost {
                mend(core);
            }
            Ok(if news.chain_made { tell(core, &told) } else { told })
        });
        known = looked.await.unwrap_or(known);
    }
}

/// What was told of at the start.
async fn baseline(core: &Weak<Core>) -> Option<BTreeSet<String>> {
    let core = core.upgrade()?;
    blocking(&core, |core| Ok(obstacles(core))).await.ok()
}

fn mend(core: &Core) {
    let Some(host) = core.networks.opened_host() else {
        return;
    };
    match host.mend() {
        Ok(tables) if tables.is_empty() => {}
        Ok(tables) => tracing::warn!(
            tables = tables.join(", "),
            "somebody removed tables of the firewall that containers need; they were written again"
        ),
        Err(error) => tracing::error!(
            error = crate::error::chain(&error),
            "somebody removed tables of the firewall that containers need, and they cannot be written again: restart \
             the daemon"
        ),
    }
}

/// Tells of obstacles that were not there before.
fn tell(core: &Core, known: &BTreeSet<String>) -> BTreeSet<String> {
    let found = obstacles(core);
    for obstacle in found.difference(known) {
        tracing::warn!(%obstacle, "another firewall keeps packets from containers");
    }
    found
}

fn obstacles(core: &Core) -> BTreeSet<String> {
    let bridge = core.bridge.iter();
    bridge
        .flat_map(|bridge| bridge.obstacles())
        .map(|obstacle| obstacle.to_string())
        .collect()
}
