//! When a request is sent again.

use std::time::Duration;

/// When a request is sent again that met a transient failure.
///
/// The wait doubles with each retry, and is shortened at random by up to a half, so that clients that failed together
/// do not return together. A server that asks for more (`Retry-After`) gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries {
    /// How often a request is sent at most, the first time included.
    pub attempts: u32,
    /// The wait before the first retry.
    pub delay: Duration,
    /// The longest wait that a server may ask for; one that asks for more is not asked again.
    pub longest: Duration,
    /// The longest time that is spent waiting for one answer, in total.
    pub budget: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 5,
            delay: Duration::from_millis(500),
            longest: Duration::from_secs(60),
            budget: Duration::from_secs(120),
        }
    }
}

impl Retries {
    /// Every request is sent once.
    pub const NONE: Self = Self { attempts: 1, delay: Duration::ZERO, longest: Duration::ZERO, budget: Duration::ZERO };

    pub(super) fn begin(&self) -> Waits {
        Waits { left: self.attempts.saturating_sub(1), delay: self.delay, longest: self.longest, budget: self.budget }
    }
}

/// The waits of one request.
#[derive(Debug)]
pub(super) struct Waits {
    left: u32,
    delay: Duration,
    longest: Duration,
    budget: Duration,
}

impl Waits {
    /// How long to wait before the next attempt; `None`, if there is none. `asked` is what the server asks for.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        if asked.is_some_and(|asked| asked > self.longest) {
            return None;
        }
        let wait = self.delay.mul_f64(1.0 - fastrand::f64() / 2.0);
        self.delay = self.delay.saturating_mul(2);
        // More than was asked for, for the same reason.
        let wait = asked.map_or(wait, |asked| asked.saturating_add(wait));
        self.budget = self.budget.checked_sub(wait)?;
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn waits(attempts: u32) -> Waits {
        Retries { attempts, delay: SECOND, longest: 60 * SECOND, budget: 100 * SECOND }.begin()
    }

    #[test]
    fn waits_grow_and_end() {
        let mut waits = waits(5);
        for least in [SECOND / 2, SECOND, 2 * SECOND, 4 * SECOND] {
            let wait = waits.next(None).expect("an attempt is left");
            assert!(wait >= least && wait <= 2 * least, "{wait:?}");
        }
        assert_eq!(waits.next(None), None);
        assert_eq!(Retries::NONE.begin().next(None), None);
    }

    #[test]
    fn servers_are_given_what_they_ask_for_up_to_a_limit() {
        let mut all = waits(9);
        let wait = all.next(Some(60 * SECOND)).expect("an attempt is left");
        assert!(wait >= 60 * SECOND && wait <= 61 * SECOND, "{wait:?}");
        assert_eq!(all.next(Some(50 * SECOND)), None, "more than 100 seconds in total");
        assert_eq!(waits(9).next(Some(61 * SECOND)), None);
        assert_eq!(waits(9).next(Some(Duration::MAX)), None);
    }

    #[test]
    fn clients_that_fail_together_do_not_return_together() {
        let first: Vec<Option<Duration>> = (0..10).map(|_| waits(2).next(None)).collect();
        assert!(first.iter().any(|wait| *wait != first[0]), "{first:?}");
    }
}
