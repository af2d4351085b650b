//! One connection: requests in, answers out, until one side has enough.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::{CONNECTION, HeaderValue};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;

use super::wire::Busy;
use super::{Aborted, Body, Failure, Socket, Stop, Wire, answer};

/// Most bytes of a request's head: Go's limit is 1 MiB, and build arguments travel in queries.
const HEAD_BYTES: usize = 1 << 20;

/// Most header lines: hyper's default of 100 is too few for clients with many `X-Meta` headers.
const HEADERS: usize = 256;

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// How long a client may take for the head of a request, from its first byte to its last.
    const HEAD_LIMIT: Duration = Duration::from_secs(60);

    /// Answers one request that came over `wire`. Runs to its end even if the client goes away.
    fn handle(&self, request: http::Request<Incoming>, wire: Wire) -> impl Future<Output = Response<Body>> + Send;
}

/// Serves one client until it leaves, or until told to stop and its request in progress is done; answers
/// that may take for ever are given up then. Returns whether somebody else goes on with the connection.
pub async fn serve_connection<H: Handler>(handler: Arc<H>, socket: Socket, stop: Stop) -> bool {
    let wire = Wire::new(socket);
    serve(handler, &wire, stop).await;
    wire.is_taken()
}

async fn serve<H: Handler>(handler: Arc<H>, wire: &Wire, mut stop: Stop) {
    let service = service_fn(|request: http::Request<Incoming>| {
        let (handler, wire) = (Arc::clone(&handler), wire.clone());
        let busy = wire.begin_request(request.headers());
        async move {
            let response = answer_request(handler, request, wire).await;
            Ok::<_, Infallible>(response.map(|body| Tracked { body, busy }))
        }
    });
    let mut builder = http1::Builder::new();
    builder
        .half_close(true)
        .title_case_headers(true)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS);
    let mut connection = pin!(builder.serve_connection(wire.clone(), service));
    let mut client_left = pin!(wire.client_left());
    let mut head_is_overdue = pin!(wire.head_is_overdue(H::HEAD_LIMIT));
    let mut stopping = false;
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!("connection ended: {error}");
                }
                return;
            }
            () = client_left.as_mut() => return,
            () = head_is_overdue.as_mut() => {
                tracing::debug!("connection ended: the head of a request took too long");
                return;
            }
            () = stop.requested(), if !stopping => {
                if wire.is_watched() {
                    return;
                }
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// A body that marks its connection as busy until the machinery is done with it, and gives it no more than goes out.
struct Tracked {
    body: Body,
    busy: Busy,
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        if !self.busy.may_have_more(context) {
            return Poll::Pending;
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(bytes) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            self.busy.was_given(bytes.len());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Answers in a task of its own: a handler that panics costs its client an error, and a client that
/// leaves does not stop what it began.
async fn answer_request<H: Handler>(handler: Arc<H>, request: http::Request<Incoming>, wire: Wire) -> Response<Body> {
    let task = tokio::spawn(async move { handler.handle(request, wire).await });
    let mut response = match task.await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!("a handler failed: {error}");
            let mut response = answer::failure(&Failure::internal("internal error: see the daemon's log"));
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
            response
        }
    };
    answer::sign(&mut response);
    response
}
