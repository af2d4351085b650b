//! Who has a container's files open, and its start: one waits for the other, but not for ever.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use corten_image::tar::Sink;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use super::view::Mounted;
use crate::volume::Loan;

/// How long a start waits for those who copy. Then they are shut out.
const PATIENCE: Duration = Duration::from_secs(10);

/// One container's gate.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    lock: Mutex<Arc<RwLock<()>>>,
    /// Those who are inside are shut out when this becomes true; each time between two starts has its own.
    shut: Mutex<Arc<AtomicBool>>,
    /// The mount of a container that does not run, while somebody uses it.
    pub(super) mounted: Mutex<Weak<Mounted>>,
}

/// Somebody is inside.
#[derive(Debug, Clone)]
pub(crate) struct Pass {
    _guard: Arc<OwnedRwLockReadGuard<()>>,
    shut: Arc<AtomicBool>,
}

impl Pass {
    /// Fails when the container was started over those who were inside.
    pub(crate) fn check(&self) -> std::io::Result<()> {
        if self.shut.load(Ordering::Acquire) {
            return Err(std::io::Error::other("the container was started meanwhile"));
        }
        Ok(())
    }
}

impl Gate {
    /// Waits until no start is under way, and goes inside.
    pub(crate) async fn enter(&self) -> Pass {
        let lock = Arc::clone(&lock(&self.lock));
        let guard = Arc::new(lock.read_owned().await);
        let shut = Arc::clone(&lock_of(&self.shut));
        Pass { _guard: guard, shut }
    }

    /// Waits until nobody is inside, or shuts them out; nobody enters while the guard lives.
    pub(crate) async fn close(&self) -> OwnedRwLockWriteGuard<()> {
        let present = Arc::clone(&lock(&self.lock));
        if let Ok(guard) = tokio::time::timeout(PATIENCE, present.write_owned()).await {
            return guard;
        }
        tracing::warn!("a container starts although its files are being copied: the copies fail");
        let fresh = Arc::new(RwLock::new(()));
        let guard = Arc::clone(&fresh).write_owned().await;
        *lock(&self.lock) = fresh;
        let old = std::mem::take(&mut *lock_of(&self.shut));
        old.store(true, Ordering::Release);
        *self.mounted.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Weak::new();
        guard
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn lock_of(of: &Mutex<Arc<AtomicBool>>) -> std::sync::MutexGuard<'_, Arc<AtomicBool>> {
    lock(of)
}

/// Stands between a transfer and its client: fails when the pass does.
#[derive(Debug)]
pub(crate) struct Checked<T> {
    pub(crate) pass: Pass,
    pub(crate) inner: T,
}

impl<T: std::io::Read> std::io::Read for Checked<T> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.pass.check()?;
        Ok(read)
    }
}

impl<T: std::io::BufRead> std::io::BufRead for Checked<T> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.pass.check()?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, length: usize) {
        self.inner.consume(length);
    }
}

impl<T: std::io::Write> std::io::Write for Checked<T> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.pass.check()?;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Sink> Sink for Checked<T> {
    fn begin_content(&mut self, name: &[u8], size: u64) -> std::io::Result<()> {
        self.inner.begin_content(name, size)
    }

    fn take(&mut self, file: BorrowedFd<'_>, offset: u64, length: usize) -> std::io::Result<bool> {
        let taken = self.inner.take(file, offset, length)?;
        self.pass.check()?;
        Ok(taken)
    }
}

/// What must be there while files are open.
#[derive(Debug)]
pub(crate) enum Kept {
    /// A running container has its own.
    Nothing,
    /// The mount of one that does not run.
    Mounted { _it: Arc<Mounted> },
    /// A volume.
    Lent { _it: Loan },
}

/// Whoever has files open: the root's descriptor, and the pass that allows it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(super) root: OwnedFd,
    /// Ends with the last one that uses it.
    pub(super) _kept: Kept,
    /// Goes last: only then the container may start.
    pub(crate) pass: Pass,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_start_waits_and_then_shuts_out() {
        let gate = Gate::default();
        let quick = gate.enter().await;
        drop(quick);
        drop(gate.close().await);
        let slow = gate.enter().await;
        assert!(slow.check().is_ok());
        let starting = gate.close().await;
        assert!(slow.check().is_err());
        drop(starting);
        let next = gate.enter().await;
        assert!(next.check().is_ok() && slow.check().is_err());
    }
}
