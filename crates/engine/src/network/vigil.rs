//! Other people's firewalls while the daemon runs: tables of ours that somebody removed (`nft flush ruleset`, a service
//! that loads its rules so) are written again at once, and chains that keep packets from containers are told of.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Weak};

use corten_sys::nftables::watch::{self, News};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::core::{Core, blocking};
use crate::ready;

/// Tells of what is in the way now, and starts to listen; without a kernel that tells, said once, tables come back at the
/// next change of a network.
pub(crate) async fn keep(core: &Arc<Core>) {
    let socket = watch::open().and_then(|socket| ready::watch(socket, Interest::READABLE));
    // What happened before there was a socket is found by looking.
    let everything = News {
        table_lost: true,
        chain_made: true,
    };
    let known = look(core, everything, BTreeSet::new()).await;
    match socket {
        Ok(socket) => {
            tokio::spawn(listen(socket, Arc::downgrade(core), known));
        }
        Err(error) => unnoticed(&error),
    }
}

async fn listen(socket: AsyncFd<OwnedFd>, core: Weak<Core>, mut known: BTreeSet<String>) {
    loop {
        let news = match heard(&socket).await {
            Ok(news) if news == News::default() => continue,
            Ok(news) => news,
            Err(error) => return unnoticed(&error),
        };
        let Some(core) = core.upgrade() else { return };
        known = look(&core, news, known).await;
    }
}

/// What has been told since the last time, as much as is there.
async fn heard(socket: &AsyncFd<OwnedFd>) -> io::Result<News> {
    let mut guard = socket.readable().await?;
    let mut news = News::default();
    while let Ok(more) = guard.try_io(|socket| watch::read(socket.get_ref().as_fd())) {
        news = news.and(more?);
    }
    Ok(news)
}

fn unnoticed(error: &io::Error) {
    tracing::warn!(%error, "changes of the firewall by others go unnoticed");
}

/// Mends and tells; gives back what has been told of and is still there.
async fn look(core: &Arc<Core>, news: News, known: BTreeSet<String>) -> BTreeSet<String> {
    let before = known.clone();
    let looked = blocking(core, move |core| {
        if news.table_lost {
            mend(core);
        }
        Ok(if news.chain_made { tell(core, &known) } else { known })
    });
    looked.await.unwrap_or(before)
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
