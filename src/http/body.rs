//! Streamed response bodies.

use std::io::{self, Read};
use std::time::Duration;

use super::error;

/// The body of a response. Ending before its declared size is an error.
pub struct Body {
    inner: ureq::BodyReader<'static>,
    left: Option<u64>,
    stall: Duration,
}

impl Body {
    pub(super) fn new(body: ureq::Body, stall: Duration) -> Self {
        let left = body.content_length();
        Self { inner: body.into_with_config().limit(u64::MAX).reader(), left, stall }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer).map_err(|error| error::in_body(error, self.stall))?;
        match &mut self.left {
            Some(left) if got == 0 && *left > 0 && !buffer.is_empty() => {
                let text = format!("the server closed the connection, {left} bytes before the end");
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            }
            Some(left) => *left = left.saturating_sub(got as u64),
            None => {}
        }
        Ok(got)
    }
}
