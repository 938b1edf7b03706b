//! Bodies of requests.

use std::pin::Pin;

use bytes::Bytes;
use http_body::Body as _;

use crate::serve::incoming::Incoming;
use crate::serve::refusal::{Code, Refusal};

/// The next bytes of a body; none at its end.
pub(super) async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Refusal> {
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(bytes) if !bytes.is_empty() => return Ok(Some(bytes)),
                _ => {}
            },
            Some(Err(error)) => return Err(Refusal::because(Code::SizeInvalid, error.to_string())),
        }
    }
}

/// All bytes of a body, at most `limit`.
pub(super) async fn whole(
    mut body: Incoming,
    limit: usize,
    too_large: impl Fn() -> Refusal,
) -> Result<Vec<u8>, Refusal> {
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(more) = next(&mut body).await? {
        if bytes.len() + more.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&more);
    }
    Ok(bytes)
}
