//! Passwords: verified slowly once, then remembered for a short time under a keyed hash.
//!
//! bcrypt takes a large part of a second, on purpose. So only a few passwords are verified at a time, on threads that may
//! block, and what was right is remembered by an HMAC whose key nobody knows outside this process: who is logged in never
//! waits behind a flood of wrong passwords. A wrong password is answered late, and later each time, by the address that
//! sent it and by the user that it was for; unknown users are treated like known ones.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use ring::hmac;
use ring::rand::SystemRandom;
use tokio::sync::Semaphore;

use super::htpasswd::Htpasswd;
use crate::serve::error::ServeError;

/// How long a password that was right is not verified again.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);
/// How many passwords are remembered.
const MAX_REMEMBERED: usize = 10_000;
/// How many passwords of one address wait to be verified.
const MAX_WAITING: usize = 64;
/// How late the first wrong password is answered; each further one twice as late, up to [`LATEST`].
const LATE: Duration = Duration::from_millis(100);
const LATEST: Duration = Duration::from_secs(5);
/// When wrong passwords are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(10 * 60);
/// How many addresses, and how many users, with wrong passwords are remembered.
const MAX_FAILED: usize = 10_000;
/// The largest file of users, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// Verifies passwords.
#[derive(Debug)]
pub(super) struct Passwords {
    path: PathBuf,
    current: Mutex<Arc<Current>>,
    key: hmac::Key,
    /// How many passwords are verified at a time.
    slots: Semaphore,
    waiting: Mutex<HashMap<String, usize>>,
    remembered: Mutex<HashMap<Vec<u8>, Instant>>,
    failed: Mutex<Failed>,
}

/// The file of users at one time.
#[derive(Debug)]
struct Current {
    users: Htpasswd,
    stamp: Option<Stamp>,
}

type Stamp = (SystemTime, u64);

/// What came of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Right,
    Wrong,
    /// Too many of that address are being verified.
    Busy,
}

#[derive(Debug, Default)]
struct Failed {
    addresses: HashMap<String, (u32, Instant)>,
    users: HashMap<String, (u32, Instant)>,
}

impl Passwords {
    pub(super) fn open(path: PathBuf) -> Result<Self, ServeError> {
        let current = Current::read(&path)?;
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| ServeError::Start(std::io::Error::other("the system gives no random bytes")))?;
        // One thread is left for everything else.
        let slots = std::thread::available_parallelism().map_or(1, |count| count.get().saturating_sub(1).max(1));
        Ok(Self {
            path,
            current: Mutex::new(Arc::new(current)),
            key,
            slots: Semaphore::new(slots),
            waiting: Mutex::default(),
            remembered: Mutex::default(),
            failed: Mutex::default(),
        })
    }

    /// Reads the file again if it has changed; tells what came of it. A file that is wrong leaves the users as they were.
    pub(super) fn reread(&self) -> Option<Result<(), ServeError>> {
        let old = Arc::clone(&lock(&self.current));
        if stamp(&self.path) == old.stamp {
            return None;
        }
        let read = Current::read(&self.path);
        match read {
            Ok(new) => {
                *lock(&self.current) = Arc::new(new);
                // A password may be another now, and a user gone.
                lock(&self.remembered).clear();
                Some(Ok(()))
            }
            Err(error) => {
                // It is read again, and complained of again, when it changes.
                let stamp = stamp(&self.path);
                *lock(&self.current) = Arc::new(Current { users: old.users.clone(), stamp });
                Some(Err(error))
            }
        }
    }

    /// Whether the password is that of the user.
    pub(super) async fn verify(self: &Arc<Self>, user: &str, password: &str, address: &str) -> Verdict {
        let tag = self.tag(user, password);
        if self.knows(&tag) {
            return Verdict::Right;
        }
        let Some(_waiting) = Waiting::enter(self, address) else { return Verdict::Busy };
        let Ok(slot) = self.slots.acquire().await else { return Verdict::Busy };
        // Another request with the same password may have been first.
        if self.knows(&tag) {
            return Verdict::Right;
        }
        let users = Arc::clone(&lock(&self.current));
        let (name, password, choice) = (user.to_owned(), password.to_owned(), usize::from(self.tag(user, "")[0]));
        let checked = Arc::clone(&users);
        let verified = tokio::task::spawn_blocking(move || {
            let (hash, is_user) = checked.users.hash(&name, choice);
            bcrypt::verify(password, hash).unwrap_or(false) && is_user
        });
        let is_right = verified.await.unwrap_or(false);
        drop(slot);
        if is_right {
            // Not if the file has changed meanwhile.
            let current = lock(&self.current);
            if Arc::ptr_eq(&current, &users) {
                self.remember(tag);
            }
            return Verdict::Right;
        }
        let late = lock(&self.failed).note(address, user, Instant::now());
        tokio::time::sleep(late).await;
        Verdict::Wrong
    }

    /// Whether there is such a user now.
    pub(super) fn has(&self, user: &str) -> bool {
        lock(&self.current).users.has(user)
    }

    fn tag(&self, user: &str, password: &str) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&(user.len() as u64).to_be_bytes());
        context.update(user.as_bytes());
        context.update(password.as_bytes());
        context.sign().as_ref().to_vec()
    }

    fn knows(&self, tag: &[u8]) -> bool {
        lock(&self.remembered).get(tag).is_some_and(|since| since.elapsed() < REMEMBERED)
    }

    fn remember(&self, tag: Vec<u8>) {
        let mut remembered = lock(&self.remembered);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(tag, Instant::now());
    }
}

impl Current {
    fn read(path: &std::path::Path) -> Result<Self, ServeError> {
        use std::io::Read as _;
        let failed = |source| ServeError::UsersFile { path: path.to_owned(), source };
        // The stamp is taken first: a file that is replaced meanwhile is read again.
        let stamp = stamp(path);
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(failed(std::io::Error::other("it is not a file")));
        }
        file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > MAX_FILE {
            return Err(failed(std::io::Error::other("it has more than 4 MiB")));
        }
        let users = Htpasswd::parse(&text).map_err(|wrong| ServeError::Users {
            path: path.to_owned(),
            line: wrong.line,
            why: wrong.why,
        })?;
        Ok(Self { users, stamp })
    }
}

impl Failed {
    /// Notes a wrong password; returns how late it is answered.
    fn note(&mut self, address: &str, user: &str, now: Instant) -> Duration {
        let count = |known: &mut HashMap<String, (u32, Instant)>, key: &str| {
            if known.len() >= MAX_FAILED {
                known.retain(|_, (_, last)| now.duration_since(*last) < FORGOTTEN);
                if known.len() >= MAX_FAILED {
                    known.clear();
                }
            }
            let entry = known.entry(key.to_owned()).or_insert((0, now));
            if now.duration_since(entry.1) >= FORGOTTEN {
                entry.0 = 0;
            }
            *entry = (entry.0.saturating_add(1), now);
            entry.0
        };
        let failures = count(&mut self.addresses, address).max(count(&mut self.users, user));
        (LATE * 2_u32.saturating_pow((failures - 1).min(10))).min(LATEST)
    }
}

/// A password that waits to be verified.
struct Waiting<'a> {
    passwords: &'a Passwords,
    address: &'a str,
}

impl<'a> Waiting<'a> {
    fn enter(passwords: &'a Passwords, address: &'a str) -> Option<Self> {
        let mut waiting = lock(&passwords.waiting);
        let count = waiting.entry(address.to_owned()).or_default();
        if *count >= MAX_WAITING {
            return None;
        }
        *count += 1;
        Some(Self { passwords, address })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.passwords.waiting);
        if let Some(count) = waiting.get_mut(self.address) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(self.address);
            }
        }
    }
}

fn stamp(path: &std::path::Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_passwords_are_answered_later_each_time_by_address_and_by_user() {
        let (mut failed, now) = (Failed::default(), Instant::now());
        let late: Vec<Duration> = (0..4).map(|_| failed.note("1.2.3.4", "ada", now)).collect();
        assert_eq!(late, [LATE, LATE * 2, LATE * 4, LATE * 8]);
        // From elsewhere for the same user, and for another user from the same address.
        assert_eq!(failed.note("5.6.7.8", "ada", now), LATE * 16);
        assert_eq!(failed.note("1.2.3.4", "eve", now), LATE * 16);
        assert_eq!(failed.note("9.9.9.9", "grace", now), LATE);
        for _ in 0..40 {
            assert!(failed.note("1.2.3.4", "ada", now) <= LATEST);
        }
        assert_eq!(failed.note("1.2.3.4", "ada", now + FORGOTTEN), LATE);
    }

    #[test]
    fn the_table_of_wrong_passwords_is_bounded() {
        let (mut failed, now) = (Failed::default(), Instant::now());
        for user in 0..MAX_FAILED * 2 {
            failed.note("1.2.3.4", &user.to_string(), now);
        }
        assert!(failed.users.len() <= MAX_FAILED);
    }
}
