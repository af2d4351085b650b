//! Which exec sessions there are, and how far each is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use corten_api::exec::ExecConfig;
use corten_base::{ContainerId, ExecId};

use crate::container::Container;
use crate::error::{Error, Result};

/// How long the exit code of a session can be asked for (observed: dockerd 28.5 forgets it in its
/// collection every five minutes).
const KEEP_ENDED: Duration = Duration::from_mins(5);

/// The same when there are many.
const KEEP_ENDED_CROWDED: Duration = Duration::from_secs(10);
/// From here on there are many.
const SESSIONS_LIMIT: usize = 1024;

/// One session.
pub(crate) struct Session {
    pub(crate) id: ExecId,
    pub(crate) container: Arc<Container>,
    pub(crate) config: ExecConfig,
    progress: Mutex<Progress>,
}

/// How far a session is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Progress {
    Created,
    Starting,
    Running { pid: u32 },
    Ended { code: i32, at: Instant },
}

impl Session {
    pub(crate) fn new(id: ExecId, container: Arc<Container>, config: ExecConfig) -> Self {
        Self {
            id,
            container,
            config,
            progress: Mutex::new(Progress::Created),
        }
    }

    /// One that a later daemon found running.
    pub(crate) fn adopted(id: ExecId, container: Arc<Container>, pid: u32) -> Self {
        let config = ExecConfig::default();
        Self {
            id,
            container,
            config,
            progress: Mutex::new(Progress::Running { pid }),
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        *self.lock()
    }

    /// Begins to start, if nobody did before.
    pub(crate) fn begin(&self) -> Result<()> {
        let mut progress = self.lock();
        match *progress {
            Progress::Created => {
                *progress = Progress::Starting;
                Ok(())
            }
            Progress::Starting | Progress::Running { .. } => {
                Err(Error::conflict(format!("exec command {} is already running", self.id)))
            }
            Progress::Ended { .. } => Err(Error::conflict(format!("exec command {} has already run", self.id))),
        }
    }

    /// It runs; unless its end was told first.
    pub(crate) fn running(&self, pid: u32) {
        let mut progress = self.lock();
        if matches!(*progress, Progress::Starting) {
            *progress = Progress::Running { pid };
        }
    }

    /// It ended; false if that was known.
    pub(crate) fn end(&self, code: i32) -> bool {
        let mut progress = self.lock();
        let news = !matches!(*progress, Progress::Ended { .. });
        if news {
            *progress = Progress::Ended {
                code,
                at: Instant::now(),
            };
        }
        news
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All sessions by id.
#[derive(Default)]
pub(crate) struct ExecRegistry {
    sessions: RwLock<HashMap<ExecId, Arc<Session>>>,
}

impl ExecRegistry {
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
