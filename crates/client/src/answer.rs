//! Answers that arrive in pieces: raw bytes ([`Stream`]) and JSON objects one after the other ([`Objects`]).

use bytes::{Bytes, BytesMut};
use http::{Response, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;

use crate::call::RequestBody;
use crate::error::CallError;

/// The bytes of an answer as they arrive.
#[derive(Debug)]
pub struct Stream {
    path: String,
    body: Incoming,
    multiplexed: Option<bool>,
    /// Keeps the connection alive until the answer has been read.
    _sender: SendRequest<RequestBody>,
}

impl Stream {
    pub(crate) fn new(path: String, answer: Response<Incoming>, sender: SendRequest<RequestBody>) -> Self {
        let multiplexed = framing(&answer);
        Self {
            path,
            body: answer.into_body(),
            multiplexed,
            _sender: sender,
        }
    }

    /// Whether the bytes are frames (true) or a terminal's raw output (false), if the engine says so.
    #[must_use]
    pub fn is_multiplexed(&self) -> Option<bool> {
        self.multiplexed
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// The connection broke before the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, CallError> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|source| CallError::Transport {
                path: self.path.clone(),
                source,
            })?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The same answer, read as JSON objects.
    #[must_use]
    pub fn objects(self) -> Objects {
        Objects {
            stream: self,
            buffer: BytesMut::new(),
        }
    }
}

/// The content type of frames.
pub(crate) const MULTIPLEXED: &str = "application/vnd.docker.multiplexed-stream";

/// What the content type says of a stream's framing. The raw type was also given to frames before API 1.42,
/// so that it only counts from an engine which knows both.
pub(crate) fn framing(answer: &Response<Incoming>) -> Option<bool> {
    let content_type = answer.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    match content_type {
        MULTIPLEXED => Some(true),
        "application/vnd.docker.raw-stream" => {
            let version = answer.headers().get("api-version")?.to_str().ok()?;
            let minor: u32 = version.strip_prefix("1.")?.parse().ok()?;
            (minor >= 42).then_some(false)
        }
        _ => None,
    }
}

/// JSON objects in a row, with or without line ends between them.
#[derive(Debug)]
pub struct Objects {
    stream: Stream,
    buffer: BytesMut,
}

impl Objects {
    /// The next object's text; `None` at the end.
    ///
    /// # Errors
    /// The connection broke, or the engine sent something that is not JSON.
    pub async fn next(&mut self) -> Result<Option<Bytes>, CallError> {
        loop {
            if let Some(object) = self.take()? {
                return Ok(Some(object));
            }
            match self.stream.next().await? {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None => return Ok(None),
            }
        }
    }

    fn take(&mut self) -> Result<Option<Bytes>, CallError> {
        let mut values = serde_json::Deserializer::from_slice(&self.buffer).into_iter::<&serde_json::value::RawValue>();
        let text = match values.next() {
            None => return Ok(None),
            Some(Err(error)) if error.is_eof() => return Ok(None),
            Some(Err(source)) => {
                return Err(CallError::Decode {
                    path: self.stream.path.clone(),
                    source,
                });
            }
            Some(Ok(value)) => Bytes::copy_from_slice(value.get().as_bytes()),
        };
        let end = values.byte_offset();
        drop(self.buffer.split_to(end));
        Ok(Some(text))
    }
}
