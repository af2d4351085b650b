//! Which exec sessions there are, and how far each is.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use corten_api::exec::ExecConfig;
use corten_base::{ContainerId, ExecId};
use tokio::sync::watch;

use crate::container::Container;
use crate::error::{Error, Result};

/// How long the exit code of a session can be asked for (observed: dockerd 28.5 forgets it in its
/// collection every five minutes).
const KEEP_ENDED: Duration = Duration::from_mins(5);
/// The same when there are many.
const KEEP_ENDED_CROWDED: Duration = Duration::from_secs(10);
/// From here on there are many.
const SESSIONS_LIMIT: usize = 1024;
/// How long a resize waits for a session's start (observed: dockerd 28.5).
const START_LIMIT: Duration = Duration::from_secs(10);

/// One session.
pub(crate) struct Session {
    pub(crate) id: ExecId,
    pub(crate) container: Arc<Container>,
    pub(crate) config: ExecConfig,
    pub(crate) purpose: Purpose,
    progress: watch::Sender<Progress>,
}

/// Whom a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A client, who may ask about it after its end.
    Client,
    /// A health check: forgotten at its end.
    HealthCheck,
}

/// How far a session is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Progress {
    Created,
    Starting,
    Running {
        pid: u32,
    },
    /// `pid` is zero when it never ran.
    Ended {
        pid: u32,
        code: i32,
        at: Instant,
    },
}

/// How long the news of an end may take behind the end itself.
const END_LIMIT: Duration = Duration::from_secs(10);

impl Session {
    /// Waits for its end, which must be at hand: its clients have seen it. Its exit code.
    pub(crate) async fn ended(&self) -> Result<i32> {
        let mut progress = self.progress.subscribe();
        let ended = progress.wait_for(|progress| matches!(progress, Progress::Ended { .. }));
        match tokio::time::timeout(END_LIMIT, ended).await {
            Ok(Ok(progress)) => match *progress {
                Progress::Ended { code, .. } => Ok(code),
                Progress::Created | Progress::Starting | Progress::Running { .. } => Ok(0),
            },
            Ok(Err(_)) | Err(_) => Err(Error::internal(format!(
                "the end of exec command {} is not known",
                self.id
            ))),
        }
    }

    pub(crate) fn new(id: ExecId, container: Arc<Container>, config: ExecConfig, purpose: Purpose) -> Self {
        Self {
            id,
            container,
            config,
            purpose,
            progress: watch::Sender::new(Progress::Created),
        }
    }

    /// One that a later daemon found running.
    pub(crate) fn adopted(id: ExecId, container: Arc<Container>, config: ExecConfig, pid: u32) -> Self {
        Self {
            id,
            container,
            config,
            purpose: Purpose::Client,
            progress: watch::Sender::new(Progress::Running { pid }),
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    /// Waits until it runs or has ended; false if that takes too long.
    pub(crate) async fn started(&self) -> bool {
        let mut progress = self.progress.subscribe();
        let begun = progress.wait_for(|progress| !matches!(progress, Progress::Created | Progress::Starting));
        tokio::time::timeout(START_LIMIT, begun).await.is_ok()
    }

    /// Begins to start, if nobody did before.
    pub(crate) fn begin(&self) -> Result<()> {
        let mut begun = Ok(());
        self.progress.send_if_modified(|progress| {
            begun = match *progress {
                Progress::Created => Ok(()),
                Progress::Starting | Progress::Running { .. } => {
                    Err(Error::conflict(format!("exec command {} is already running", self.id)))
                }
                Progress::Ended { .. } => Err(Error::conflict(format!("exec command {} has already run", self.id))),
            };
            if begun.is_ok() {
                *progress = Progress::Starting;
            }
            begun.is_ok()
        });
        begun
    }

    /// It runs; unless its end was told first.
    pub(crate) fn running(&self, own: u32) {
        self.progress.send_if_modified(|progress| match progress {
            Progress::Created | Progress::Running { .. } => false,
            Progress::Starting => {
                *progress = Progress::Running { pid: own };
                true
            }
            Progress::Ended { pid, .. } => {
                *pid = own;
                true
            }
        });
    }

    /// It ended; false if that was known.
    pub(crate) fn end(&self, code: i32) -> bool {
        self.progress.send_if_modified(|progress| {
            let pid = match *progress {
                Progress::Created | Progress::Starting => 0,
                Progress::Running { pid } => pid,
                Progress::Ended { .. } => return false,
            };
            let at = Instant::now();
            *progress = Progress::Ended { pid, code, at };
            true
        })
    }
}

/// All sessions by id.
#[derive(Default)]
pub(crate) struct ExecRegistry {
    sessions: RwLock<HashMap<ExecId, Arc<Session>>>,
}

impl ExecRegistry {
    /// Forgets a session.
    pub(crate) fn remove(&self, id: &ExecId) {
        self.sessions.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Adds a session, and forgets those of its container that ended long ago.
    pub(crate) fn insert(&self, session: Arc<Session>) {
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        let keep = if sessions.len() < SESSIONS_LIMIT {
            KEEP_ENDED
        } else {
            KEEP_ENDED_CROWDED
        };
        sessions.retain(|_, other| match other.progress() {
            Progress::Ended { at, .. } => at.elapsed() < keep,
            Progress::Created | Progress::Starting | Progress::Running { .. } => true,
        });
        sessions.insert(session.id.clone(), session);
    }

    /// The session with this id or unique prefix of one.
    pub(crate) fn find(&self, reference: &str) -> Result<Arc<Session>> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let missing = || Error::not_found(format!("No such exec instance: {reference}"));
        if let Ok(id) = reference.parse::<ExecId>() {
            return sessions.get(&id).cloned().ok_or_else(missing);
        }
        let mut matches = sessions
            .values()
            .filter(|session| !reference.is_empty() && session.id.as_str().starts_with(reference));
        match (matches.next(), matches.next()) {
            (Some(session), None) => Ok(Arc::clone(session)),
            (None | Some(_), _) => Err(missing()),
        }
    }

    /// The session with this id.
    pub(crate) fn get(&self, id: &ExecId) -> Option<Arc<Session>> {
        self.sessions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned()
    }

    /// The sessions of a container.
    pub(crate) fn sessions(&self, container: &ContainerId) -> Vec<Arc<Session>> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        sessions
            .values()
            .filter(|session| session.container.id == *container)
            .cloned()
            .collect()
    }

    /// Ids of a container's sessions that run.
    pub(crate) fn of(&self, container: &ContainerId) -> Vec<String> {
        let runs = |session: &Arc<Session>| matches!(session.progress(), Progress::Running { .. });
        self.sessions(container)
            .into_iter()
            .filter(runs)
            .map(|session| session.id.to_string())
            .collect()
    }

    /// Forgets a container's sessions.
    pub(crate) fn forget(&self, container: &ContainerId) {
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        if !sessions.is_empty() {
            sessions.retain(|_, session| session.container.id != *container);
        }
    }
}
