//! How long pushes to the server may take.

use std::time::{Duration, SystemTime};

/// How long a blob waits for the manifest that needs it.
pub const CLAIM: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an upload waits for its next byte.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);
/// The same if room is wanted: no push that is still under way is silent for so long.
const HURRY: Duration = Duration::from_secs(60 * 60);

/// Which leftovers of pushes to the server are garbage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StalePushes {
    /// Uploads without a byte since that time.
    pub uploads: SystemTime,
    /// Claims that end before that time.
    pub claims: SystemTime,
}

impl Default for StalePushes {
    /// None.
    fn default() -> Self {
        Self { uploads: SystemTime::UNIX_EPOCH, claims: SystemTime::UNIX_EPOCH }
    }
}

impl StalePushes {
    /// Those that have waited for a day.
    pub fn at(now: SystemTime) -> Self {
        Self { uploads: now.checked_sub(PATIENCE).unwrap_or(SystemTime::UNIX_EPOCH), claims: now }
    }

    /// Those that have waited for an hour.
    pub fn hurried(now: SystemTime) -> Self {
        let uploads = now.checked_sub(HURRY).unwrap_or(SystemTime::UNIX_EPOCH);
        Self { uploads, claims: now + CLAIM.saturating_sub(HURRY) }
    }
}
