//! Calls about exec sessions.

use corten_api::exec::{ExecConfig, ExecCreateResponse, ExecInspect, ExecStartConfig};

use crate::call::Call;
use crate::error::CallError;
use crate::hijack::Hijacked;
use crate::query::{Query, path_segment};
use crate::request::Client;

/// How an exec session begins.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExecStart {
    /// With a terminal.
    pub tty: bool,
    /// The terminal's height and width in characters.
    pub console_size: Option<[u32; 2]>,
}

impl ExecStart {
    fn body(self, detach: bool) -> ExecStartConfig {
        ExecStartConfig {
            detach,
            tty: self.tty,
            console_size: self.console_size,
        }
    }
}

impl Client {
    /// Prepares a command in a running container; the answer is the session's id.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn create_exec(&self, container: &str, config: &ExecConfig) -> Result<String, CallError> {
        let path = format!("/containers/{}/exec", path_segment(container));
        let created: ExecCreateResponse = self.value(Call::post(&path, &Query::new()).json(config)?).await?;
        Ok(created.id)
    }

    /// Starts it with its streams on this connection.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn start_exec(&self, id: &str, start: ExecStart) -> Result<Hijacked, CallError> {
        self.hijack(Call::post(&format!("/exec/{id}/start"), &Query::new()).json(&start.body(false))?)
            .await
    }

    /// Starts it in the background.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn start_exec_detached(&self, id: &str, start: ExecStart) -> Result<(), CallError> {
        self.done(Call::post(&format!("/exec/{id}/start"), &Query::new()).json(&start.body(true))?)
            .await
    }

    /// Whether it runs, and its exit code.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn inspect_exec(&self, id: &str) -> Result<ExecInspect, CallError> {
        self.value(Call::get(&format!("/exec/{id}/json"), &Query::new())).await
    }

    /// Tells it the size of its terminal, in characters.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn resize_exec(&self, id: &str, height: u16, width: u16) -> Result<(), CallError> {
        let query = Query::new()
            .with("h", &height.to_string())
            .with("w", &width.to_string());
        self.done(Call::post(&format!("/exec/{id}/resize"), &query)).await
    }
}
