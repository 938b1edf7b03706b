//! Bodies of requests.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::Body as _;
use hyper::body::Bytes;
use hyper::header::EXPECT;

use crate::serve::asked::Asked;
use crate::serve::incoming::Incoming;
use crate::serve::refusal::{Code, Refusal};

/// How many bytes are gathered before they are hashed and written.
const GATHER: usize = 256 << 10;
/// How many bytes are kept while the next ones are waited for: a thousand slow clients take no more than 16 MiB.
const KEEP: usize = 16 << 10;
/// How much of a body is read that is not wanted. A connection that is closed behind an answer while the client still
/// sends is reset, and the client may lose the answer.
const DRAIN: usize = 16 << 20;

/// Adds the next bytes of a body to `gathered`. Whether more may follow.
pub(super) async fn gather(body: &mut Incoming, gathered: &mut Vec<u8>) -> Result<bool, Refusal> {
    std::future::poll_fn(|context| {
        while gathered.len() < GATHER {
            match poll(body, context) {
                Poll::Pending if gathered.len() >= KEEP => break,
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(bytes)) => gathered.extend_from_slice(&bytes?),
                Poll::Ready(None) => return Poll::Ready(Ok(false)),
            }
        }
        Poll::Ready(Ok(true))
    })
    .await
}

/// All bytes of a body, at most `limit`.
pub(super) async fn whole(
    asked: &Asked,
    mut body: Incoming,
    limit: usize,
    too_large: impl Fn() -> Refusal,
) -> Result<Vec<u8>, Refusal> {
    if body.size_hint().lower() > limit as u64 {
        drain(asked, &mut body).await;
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(more) = next(&mut body).await? {
        if bytes.len() + more.len() > limit {
            drop(bytes);
            drain(asked, &mut body).await;
            return Err(too_large());
        }
        bytes.extend_from_slice(&more);
    }
    Ok(bytes)
}

/// Reads a body that is not wanted, if it is not too long, so that the client gets the answer. A client that asks before it
/// sends the body needs none of this.
pub(in crate::serve) async fn drain(asked: &Asked, body: &mut Incoming) {
    let mut rest = DRAIN;
    if body.size_hint().lower() > rest as u64 || asked.header(EXPECT).is_some() {
        return;
    }
    while let Ok(Some(bytes)) = next(body).await {
        let Some(left) = rest.checked_sub(bytes.len()) else { return };
        rest = left;
    }
}

/// The next bytes of a body; none at its end.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Refusal> {
    std::future::poll_fn(|context| poll(body, context)).await.transpose()
}

fn poll(body: &mut Incoming, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Refusal>>> {
    loop {
        match Pin::new(&mut *body).poll_frame(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(bytes) if !bytes.is_empty() => return Poll::Ready(Some(Ok(bytes))),
                _ => {}
            },
            Poll::Ready(Some(Err(error))) => {
                return Poll::Ready(Some(Err(Refusal::because(Code::SizeInvalid, error.to_string()))));
            }
        }
    }
}
