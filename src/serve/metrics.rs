//! What the server counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::Method;
use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::store::{Error, Store, Usage};

/// The upper bounds of the histogram, in seconds.
pub(super) const BOUNDS: [f64; 14] =
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0];
/// For how long the size of the store is not looked at again.
const USAGE_AGE: Duration = Duration::from_secs(60);

/// What the server counts.
#[derive(Debug)]
pub(super) struct Metrics {
    pub(super) started: Timestamp,
    /// The first half of all requests' IDs.
    run: u32,
    requests: AtomicU64,
    in_flight: AtomicI64,
    connections: AtomicI64,
    counted: Mutex<Counted>,
    usage: Mutex<Option<(Instant, Usage)>>,
}

/// Requests that were answered: by route, method and status.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) by_code: BTreeMap<(&'static str, &'static str, u16), u64>,
    pub(super) by_route: BTreeMap<&'static str, Times>,
}

/// Requests of one route.
#[derive(Debug, Default)]
pub(super) struct Times {
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) buckets: [u64; BOUNDS.len()],
    pub(super) count: u64,
    pub(super) seconds: f64,
}

/// A connection that is open.
#[derive(Debug)]
pub(super) struct Connected(Arc<Metrics>);

impl Metrics {
    pub(super) fn new() -> Self {
        let mut run = [0; 4];
        // Without random bytes, IDs of two runs may be the same.
        let _ = SystemRandom::new().fill(&mut run);
        Self {
            started: Timestamp::now(),
            run: u32::from_be_bytes(run),
            requests: AtomicU64::new(0),
            in_flight: AtomicI64::new(0),
            connections: AtomicI64::new(0),
            counted: Mutex::default(),
            usage: Mutex::default(),
        }
    }

    /// Counts a connection until the value is dropped.
    pub(super) fn connect(self: &Arc<Self>) -> Connected {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Connected(Arc::clone(self))
    }

    /// An ID for a request.
    pub(super) fn next_id(&self) -> String {
        format!("{:08x}{:08x}", self.run, self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// A request has arrived.
    pub(super) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A request has been answered, or its client has gone away.
    pub(super) fn end(
        &self,
        route: &'static str,
        method: &Method,
        status: u16,
        received: u64,
        sent: u64,
        took: Duration,
    ) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let mut counted = lock(&self.counted);
        *counted.by_code.entry((route, method_label(method), status)).or_default() += 1;
        let times = counted.by_route.entry(route).or_default();
        times.received += received;
        times.sent += sent;
        times.count += 1;
        let seconds = took.as_secs_f64();
        times.seconds += seconds;
        if let Some(bucket) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            times.buckets[bucket] += 1;
        }
    }

    /// The requests that were answered.
    pub(super) fn counted(&self) -> MutexGuard<'_, Counted> {
        lock(&self.counted)
    }

    /// How many requests are being answered.
    pub(super) fn in_flight(&self) -> u64 {
        gauge(&self.in_flight)
    }

    /// How many connections are open.
    pub(super) fn connections(&self) -> u64 {
        gauge(&self.connections)
    }

    /// How full the store is, as it was at most a minute ago.
    pub(super) fn usage(&self, store: &Store) -> Result<Usage, Error> {
        // Who comes while the store is looked at waits: it is not looked at twice.
        let mut usage = lock(&self.usage);
        if let Some((at, known)) = &*usage
            && at.elapsed() < USAGE_AGE
        {
            return Ok(*known);
        }
        let now = store.usage()?;
        *usage = Some((Instant::now(), now));
        Ok(now)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

fn gauge(value: &AtomicI64) -> u64 {
    u64::try_from(value.load(Ordering::Relaxed)).unwrap_or(0)
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
