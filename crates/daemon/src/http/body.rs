//! Bodies of answers: bytes at hand, bytes that come later, or a stream of pieces.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::mpsc;

/// Pieces of a stream that wait for the client before its producer waits too.
pub const STREAM_PIECES: usize = 16;

/// A piece of a stream, or the end of an answer that cannot be completed.
pub type Piece = Result<Bytes, Aborted>;

/// The answer cannot be completed: the connection is cut, so that the client does not take what it got
/// for all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aborted;

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer could not be completed")
    }
}

impl std::error::Error for Aborted {}

/// A body. Each piece is flushed as soon as no other is at hand; the head goes out at once.
pub enum Body {
    /// Bytes at hand; with their length in the head.
    Whole(Bytes),
    /// One piece that comes later.
    Later(Pin<Box<dyn Future<Output = Bytes> + Send>>),
    /// Pieces as they come. The producer sees the channel closed when the client has gone.
    Stream(mpsc::Receiver<Piece>),
    /// The same with its first piece at hand.
    Begun(Piece, mpsc::Receiver<Piece>),
    /// Nothing (more).
    Ended,
}

impl Body {
    /// A body of bytes at hand.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(bytes.into())
    }

    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::Whole(Bytes::new())
    }

    /// A stream and where its pieces go in.
    #[must_use]
    pub fn stream() -> (mpsc::Sender<Piece>, Self) {
        Self::stream_of(STREAM_PIECES)
    }

    /// The same where only so many pieces may wait, because they are large.
    #[must_use]
    pub fn stream_of(pieces: usize) -> (mpsc::Sender<Piece>, Self) {
        let (sender, receiver) = mpsc::channel(pieces);
        (sender, Self::Stream(receiver))
    }

    /// A stream once it has begun (or ended): the head of its answer tells that there is something.
    pub async fn begun(mut pieces: mpsc::Receiver<Piece>) -> Self {
        match pieces.recv().await {
            Some(first) => Self::Begun(first, pieces),
            None => Self::Ended,
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        let piece = match &mut *self {
            Self::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Ended;
                Some(bytes).filter(|bytes| !bytes.is_empty()).map(Ok)
            }
            Self::Later(future) => {
                let bytes = ready!(future.as_mut().poll(context));
                *self = Self::Ended;
                Some(Ok(bytes))
            }
            Self::Stream(pieces) => ready!(pieces.poll_recv(context)),
            Self::Begun(..) => {
                let Self::Begun(first, rest) = std::mem::replace(&mut *self, Self::Ended) else {
                    return Poll::Ready(None);
                };
                *self = Self::Stream(rest);
                Some(first)
            }
            Self::Ended => None,
        };
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Later(_) | Self::Stream(_) | Self::Begun(..) => false,
            Self::Ended => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Self::Later(_) | Self::Stream(_) | Self::Begun(..) => SizeHint::default(),
            Self::Ended => SizeHint::with_exact(0),
        }
    }
}
