//! Calls about containers.

use bytes::Bytes;
use corten_api::Filters;
use corten_api::container::{
    ContainerBrief, ContainerCreateBody, ContainerCreateResponse, ContainerInspect, ContainerSummary, UpdateBody,
    UpdateResponse, WaitResponse,
};
use http::Method;

use crate::answer::{MULTIPLEXED, Stream};
use crate::call::Call;
use crate::error::CallError;
use crate::hijack::Hijacked;
use crate::query::{Query, path_segment};
use crate::request::Client;

/// Which containers a list shows, and with what.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// Stopped ones too.
    pub all: bool,
    /// Only that many, the newest ones, whatever their state.
    pub limit: Option<i64>,
    /// With the sizes of their files.
    pub size: bool,
    /// Further conditions.
    pub filters: Filters,
}

/// What an attached stream carries.
#[derive(Debug, Clone, Default)]
pub struct AttachOptions {
    /// Our input goes to the container.
    pub stdin: bool,
    /// The container's output comes to us.
    pub stdout: bool,
    /// Its error output too.
    pub stderr: bool,
    /// What was written before comes first.
    pub logs: bool,
    /// Keys that detach; empty for the engine's default.
    pub detach_keys: String,
}

/// Which lines `logs` gives, and how.
#[derive(Debug, Clone, Default)]
pub struct LogOptions {
    /// Go on as long as the container runs.
    pub follow: bool,
    /// With each line's time in front.
    pub timestamps: bool,
    /// With the attributes that the log options name.
    pub details: bool,
    /// From this time on: seconds since 1970 with an optional fraction; empty for the beginning.
    pub since: String,
    /// Up to this time.
    pub until: String,
    /// `all` or a number of lines from the end.
    pub tail: String,
    /// A frame for each record even of a terminal's log, if the engine can do that.
    pub framed: bool,
}

/// How `stop` and `restart` end a container.
#[derive(Debug, Clone, Default)]
pub struct StopOptions {
    /// Instead of the container's own stop signal.
    pub signal: String,
    /// Seconds before it is killed; -1 waits for ever.
    pub timeout_seconds: Option<i64>,
}

/// What `rm` takes along.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemoveOptions {
    /// Anonymous volumes too.
    pub volumes: bool,
    /// Kill it first if it runs.
    pub force: bool,
    /// Remove a link, not the container.
    pub link: bool,
}

/// What `wait` waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitCondition {
    /// It does not run (returns at once if so).
    NotRunning,
    /// Its next end.
    NextExit,
    /// It is gone.
    Removed,
}

impl WaitCondition {
    /// The condition to ask an engine for that was started again meanwhile: an end that came while it was
    /// away is over, and the next one may never come.
    #[must_use]
    pub fn after_restart(self) -> Self {
        match self {
            Self::NotRunning | Self::NextExit => Self::NotRunning,
            Self::Removed => Self::Removed,
        }
    }
}

/// A wait that the engine has accepted; the answer comes later.
#[derive(Debug)]
pub struct Waiter(Stream);

impl Waiter {
    /// The container's end.
    ///
    /// # Errors
    /// The connection broke first.
    pub async fn finished(mut self) -> Result<WaitResponse, CallError> {
        let mut text = Vec::new();
        while let Some(piece) = self.0.next().await? {
            text.extend_from_slice(&piece);
        }
        serde_json::from_slice(&text).map_err(|source| CallError::Decode {
            path: "/wait".to_owned(),
            source,
        })
    }
}

impl Client {
    /// Makes a container.
    ///
    /// # Errors
    /// See [`CallError`]; 404 if the image is not there, 409 if the name is taken.
    pub async fn create_container(
        &self,
        name: &str,
        platform: &str,
        body: &ContainerCreateBody,
    ) -> Result<ContainerCreateResponse, CallError> {
        let query = Query::new().with_text("name", name).with_text("platform", platform);
        self.value(Call::post("/containers/create", &query).json(body)?).await
    }

    /// Starts it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn start_container(&self, name: &str, detach_keys: &str) -> Result<(), CallError> {
        let query = Query::new().with_text("detachKeys", detach_keys);
        self.done(Call::post(&of(name, "/start"), &query)).await
    }

    /// Ends it politely, then by force.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn stop_container(&self, name: &str, options: &StopOptions) -> Result<(), CallError> {
        self.done(Call::post(&of(name, "/stop"), &options.query())).await
    }

    /// Stops and starts it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn restart_container(&self, name: &str, options: &StopOptions) -> Result<(), CallError> {
        self.done(Call::post(&of(name, "/restart"), &options.query())).await
    }

    /// Sends it a signal; empty for the default.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn kill_container(&self, name: &str, signal: &str) -> Result<(), CallError> {
        self.done(Call::post(
            &of(name, "/kill"),
            &Query::new().with_text("signal", signal),
        ))
        .await
    }

    /// Freezes its processes.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn pause_container(&self, name: &str) -> Result<(), CallError> {
        self.done(Call::post(&of(name, "/pause"), &Query::new())).await
    }

    /// Thaws its processes.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn unpause_container(&self, name: &str) -> Result<(), CallError> {
        self.done(Call::post(&of(name, "/unpause"), &Query::new())).await
    }

    /// Gives it another name.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn rename_container(&self, name: &str, new_name: &str) -> Result<(), CallError> {
        self.done(Call::post(&of(name, "/rename"), &Query::new().with("name", new_name)))
            .await
    }

    /// Changes its limits and its restart policy.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn update_container(&self, name: &str, body: &UpdateBody) -> Result<UpdateResponse, CallError> {
        self.value(Call::post(&of(name, "/update"), &Query::new()).json(body)?)
            .await
    }

    /// Removes it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn remove_container(&self, name: &str, options: RemoveOptions) -> Result<(), CallError> {
        let query = Query::new()
            .with_flag("v", options.volumes)
            .with_flag("link", options.link);
        let query = query.with_flag("force", options.force);
        self.done(Call::new(Method::DELETE, &of(name, ""), &query)).await
    }

    /// Everything about it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn inspect_container(&self, name: &str) -> Result<ContainerInspect, CallError> {
        self.value(Call::get(&of(name, "/json"), &Query::new())).await
    }

    /// The same as the engine wrote it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn inspect_container_raw(&self, name: &str, size: bool) -> Result<Bytes, CallError> {
        self.bytes(Call::get(&of(name, "/json"), &Query::new().with_flag("size", size)))
            .await
    }

    /// The containers there are.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn list_containers(&self, options: &ListOptions) -> Result<Vec<ContainerSummary>, CallError> {
        self.value(options.call()).await
    }

    /// The same, with no more than a table shows of each.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn list_containers_briefly(&self, options: &ListOptions) -> Result<Vec<ContainerBrief>, CallError> {
        self.value(options.call()).await
    }

    /// Asks to be told its end; returns as soon as the engine has the request.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn wait_container(&self, name: &str, condition: WaitCondition) -> Result<Waiter, CallError> {
        let condition = match condition {
            WaitCondition::NotRunning => "",
            WaitCondition::NextExit => "next-exit",
            WaitCondition::Removed => "removed",
        };
        let query = Query::new().with_text("condition", condition);
        self.stream(Call::post(&of(name, "/wait"), &query)).await.map(Waiter)
    }

    /// Tells it the size of its terminal, in characters.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn resize_container(&self, name: &str, height: u16, width: u16) -> Result<(), CallError> {
        let query = Query::new()
            .with("h", &height.to_string())
            .with("w", &width.to_string());
        self.done(Call::post(&of(name, "/resize"), &query)).await
    }

    /// Connects to its input and output.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn attach_container(&self, name: &str, options: &AttachOptions) -> Result<Hijacked, CallError> {
        let query = Query::new()
            .with_text("detachKeys", &options.detach_keys)
            .with_flag("logs", options.logs)
            .with("stream", "1")
            .with_flag("stdin", options.stdin)
            .with_flag("stdout", options.stdout)
            .with_flag("stderr", options.stderr);
        self.hijack(Call::post(&of(name, "/attach"), &query)).await
    }

    /// What it has written, framed unless it has a terminal.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn container_logs(&self, name: &str, options: &LogOptions) -> Result<Stream, CallError> {
        let query = Query::new()
            .with_flag("details", options.details)
            .with_flag("follow", options.follow)
            .with_text("since", &options.since)
            .with("stderr", "1")
            .with("stdout", "1")
            .with_text("tail", &options.tail)
            .with_flag("timestamps", options.timestamps)
            .with_text("until", &options.until);
        let call = Call::get(&of(name, "/logs"), &query);
        self.stream(match options.framed {
            true => call.header("Accept", MULTIPLEXED.to_owned()),
            false => call,
        })
        .await
    }
}

impl ListOptions {
    fn call(&self) -> Call {
        let mut query = Query::new().with_flag("all", self.all);
        if let Some(limit) = self.limit {
            query = query.with("limit", &limit.to_string());
        }
        query = query.with_flag("size", self.size);
        if !self.filters.is_empty() {
            query = query.with("filters", &self.filters.to_json());
        }
        Call::get("/containers/json", &query)
    }
}

impl StopOptions {
    fn query(&self) -> Query {
        let query = Query::new().with_text("signal", &self.signal);
        match self.timeout_seconds {
            Some(seconds) => query.with("t", &seconds.to_string()),
            None => query,
        }
    }
}

fn of(name: &str, rest: &str) -> String {
    format!("/containers/{}{rest}", path_segment(name))
}
