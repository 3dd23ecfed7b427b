//! Requests that end where their client ended them.
//!
//! A client that goes away in the middle of a stream resets it. `tonic` takes a reset for the stream's end, and then
//! rows that were sent so far would look like all of them. Here it is an error.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Bytes, Service, http};
use tonic::server::NamedService;

/// A service whose requests' bodies end only where their client ended them.
#[derive(Clone, Debug)]
pub(crate) struct WholeRequests<S>(pub(crate) S);

impl<S: NamedService> NamedService for WholeRequests<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for WholeRequests<S>
where
    S: Service<http::Request<Body>, Error = Infallible>,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.0.call(request.map(|body| Body::new(WholeBody { body, is_over: false })))
    }
}

/// A body that ends only where its client ended it.
struct WholeBody {
    body: Body,
    is_over: bool,
}

impl hyper::body::Body for WholeBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
            Some(Err(error)) => Some(Err(gone(error.message()))),
            None if self.body.is_end_stream() => None,
            None => Some(Err(gone("it was reset"))),
        };
        self.is_over = true;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Any status but that of a cancelled stream, which would be taken for its end.
fn gone(why: &str) -> Status {
    Status::aborted(format!("the client broke the stream off: {why}"))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use hyper::body::Body as _;

    use super::*;

    /// Frames, and whether the client ended the stream behind them.
    struct Frames {
        frames: VecDeque<Result<Bytes, Status>>,
        is_ended: bool,
    }

    impl hyper::body::Body for Frames {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Ready(self.frames.pop_front().map(|frame| frame.map(Frame::data)))
        }

        fn is_end_stream(&self) -> bool {
            self.frames.is_empty() && self.is_ended
        }
    }

    /// How many frames come, and whether an error follows.
    async fn read(last: Option<Status>, is_ended: bool) -> (usize, bool) {
        let mut frames = VecDeque::from([Ok(Bytes::from_static(b"rows"))]);
        frames.extend(last.map(Err));
        let mut body = WholeBody { body: Body::new(Frames { frames, is_ended }), is_over: false };
        let mut count = 0;
        loop {
            match std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
                Some(Ok(_)) => count += 1,
                Some(Err(error)) => {
                    assert_ne!(error.code(), tonic::Code::Cancelled, "that would be taken for the end");
                    return (count, true);
                }
                None => return (count, false),
            }
        }
    }

    #[tokio::test]
    async fn only_the_clients_end_is_the_end() {
        assert_eq!(read(None, true).await, (1, false));
        assert_eq!(read(None, false).await, (1, true));
        assert_eq!(read(Some(Status::cancelled("reset")), false).await, (1, true));
    }
}
