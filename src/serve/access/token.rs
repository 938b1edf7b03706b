//! Tokens: what docker needs where some may pull without a password and others push with one.
//!
//! docker asks `/v2/` first. If that takes everybody in, docker never sends a password; if it asks for Basic credentials,
//! docker does not pull without any. So there it is told to fetch a token ([distribution's token
//! authentication](https://distribution.github.io/distribution/spec/auth/token/)), which it can without a password, too.
//!
//! ```text
//! base64url( end, seconds since 1970, 8 bytes ‖ HMAC-SHA256 of end and user, 32 bytes ‖ user )
//! ```
//!
//! A token only says who somebody is; what they may do is looked up at each request.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;

use crate::serve::error::ServeError;
use crate::serve::who::Who;

/// How long a token is good.
pub(super) const LIFE: Duration = Duration::from_secs(15 * 60);

const END: usize = 8;
const MAC: usize = 32;

/// Issues tokens, and knows its own.
#[derive(Debug)]
pub(super) struct Tokens(hmac::Key);

impl Tokens {
    pub(super) fn new() -> Result<Self, ServeError> {
        hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map(Self)
            .map_err(|_| ServeError::Start(std::io::Error::other("the system gives no random bytes")))
    }

    /// A token of a user, or of somebody without a password.
    pub(super) fn issue(&self, user: Option<&str>, now: SystemTime) -> String {
        let end = (now + LIFE).duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_be_bytes();
        let user = user.unwrap_or_default().as_bytes();
        let mac = hmac::sign(&self.0, &[&end[..], user].concat());
        URL_SAFE_NO_PAD.encode([&end[..], mac.as_ref(), user].concat())
    }

    /// Whose token it is; none, if it is not one or has ended.
    pub(super) fn read(&self, token: &str, now: SystemTime) -> Option<Who> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (end, rest) = bytes.split_first_chunk::<END>()?;
        let (mac, user) = rest.split_first_chunk::<MAC>()?;
        hmac::verify(&self.0, &[&end[..], user].concat(), mac).ok()?;
        let is_over = UNIX_EPOCH + Duration::from_secs(u64::from_be_bytes(*end)) < now;
        let user = String::from_utf8(user.to_vec()).ok()?;
        (!is_over).then(|| if user.is_empty() { Who::Anonymous } else { Who::User(user.into()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_tokens_are_known_and_only_for_a_while() {
        let (tokens, now) = (Tokens::new().expect("a key"), SystemTime::now());
        let of_ada = tokens.issue(Some("ada"), now);
        assert_eq!(tokens.read(&of_ada, now), Some(Who::User("ada".into())));
        assert_eq!(tokens.read(&tokens.issue(None, now), now), Some(Who::Anonymous));
        assert_eq!(tokens.read(&of_ada, now + LIFE * 2), None);
        assert_eq!(Tokens::new().expect("a key").read(&of_ada, now), None);
        let mut forged = URL_SAFE_NO_PAD.decode(&of_ada).expect("base64");
        *forged.last_mut().expect("a user") = b'x';
        assert_eq!(tokens.read(&URL_SAFE_NO_PAD.encode(forged), now), None);
        for text in ["", "x", "====", &"A".repeat(54)] {
            assert_eq!(tokens.read(text, now), None, "{text}");
        }
    }
}
