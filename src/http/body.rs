//! Streamed response bodies.

use std::io::{self, Read};
use std::time::Duration;

use super::line::{self, Broken};

/// The body of a response. Ending before its declared size is an error.
///
/// Its errors as a [`Read`] have a [`BodyError`] in them, and a kind that tells the same: `UnexpectedEof`, `TimedOut`,
/// `ConnectionReset` or `InvalidData`.
pub struct Body {
    inner: ureq::BodyReader<'static>,
    left: Option<u64>,
    stall: Duration,
    /// What happened, after which nothing comes: it must not pass for the end.
    broken: Option<BodyError>,
}

/// How a body does not come as it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The connection was closed before the end.
    #[error("the server closed the connection before the end{}", missing(*left))]
    Closed {
        /// How many bytes are missing, if it is known.
        left: Option<u64>,
    },
    /// The connection was reset.
    #[error("the server reset the connection")]
    Reset,
    /// Nothing comes any more.
    #[error("the server has sent nothing for {} seconds", time.as_secs_f32())]
    Silent {
        /// How long it was waited for.
        time: Duration,
    },
    /// So little comes that it is as good as nothing.
    #[error("{why}")]
    Slow {
        /// How little.
        why: String,
    },
    /// A document takes too long.
    #[error("the response is not complete after {} seconds", time.as_secs_f32())]
    TooLong {
        /// How long it may take.
        time: Duration,
    },
    /// What comes is no content.
    #[error("the response is malformed: {why}")]
    Malformed {
        /// What is wrong.
        why: String,
    },
}

impl BodyError {
    /// Whether the error is transient, so that a retry may help.
    pub fn is_passing(&self) -> bool {
        !matches!(self, Self::Malformed { .. })
    }

    /// The cause of an error of a [`Body`].
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }

    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Closed { .. } => io::ErrorKind::UnexpectedEof,
            Self::Reset => io::ErrorKind::ConnectionReset,
            Self::Silent { .. } | Self::Slow { .. } | Self::TooLong { .. } => io::ErrorKind::TimedOut,
            Self::Malformed { .. } => io::ErrorKind::InvalidData,
        }
    }
}

fn missing(left: Option<u64>) -> String {
    left.map(|left| format!(", with {left} bytes missing")).unwrap_or_default()
}

impl Body {
    pub(super) fn new(body: ureq::Body, stall: Duration) -> Self {
        let left = body.content_length();
        Self { inner: body.into_with_config().limit(u64::MAX).reader(), left, stall, broken: None }
    }

    /// Reads the next bytes; none at the end.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, BodyError> {
        let result = match &self.broken {
            Some(error) => Err(error.clone()),
            None => self.receive_more(buffer),
        };
        self.broken = result.as_ref().err().cloned();
        result
    }

    fn receive_more(&mut self, buffer: &mut [u8]) -> Result<usize, BodyError> {
        line::begin();
        let got = self.inner.read(buffer).map_err(|error| self.error(&error))?;
        match &mut self.left {
            Some(left) if got == 0 && *left > 0 && !buffer.is_empty() => {
                return Err(BodyError::Closed { left: Some(*left) });
            }
            Some(left) if got > 0 => {
                *left = left.saturating_sub(got as u64);
                if *left == 0 {
                    // Only now the connection is free for the next request. Nothing is waited for.
                    let _ = self.inner.read(&mut [0]);
                }
            }
            _ => {}
        }
        Ok(got)
    }

    fn error(&self, error: &io::Error) -> BodyError {
        let inner = error.get_ref();
        match (Broken::of(error), inner.and_then(|inner| inner.downcast_ref::<ureq::Error>())) {
            (Some(Broken::Closed | Broken::Stale), _) => BodyError::Closed { left: self.left },
            (Some(Broken::Reset), _) => BodyError::Reset,
            (Some(slow @ Broken::Slow(_)), _) => BodyError::Slow { why: slow.to_string() },
            (_, Some(ureq::Error::Timeout(_))) => BodyError::Silent { time: self.stall },
            _ if error.kind() == io::ErrorKind::UnexpectedEof => BodyError::Closed { left: self.left },
            _ => BodyError::Malformed { why: error.to_string() },
        }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(buffer).map_err(|error| io::Error::new(error.kind(), error))
    }
}
