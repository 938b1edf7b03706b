//! Events on the disk, until they are delivered.
//!
//! ```text
//! <endpoint>/lock             held while folders are made and taken over
//! <endpoint>/<run>/lock       locked by the process that delivers these events
//! <endpoint>/<run>/<n>.jsonl  events, a line each; the last file grows, the others are deleted once they are delivered
//! <endpoint>/<run>/delivered  the number of a file, and up to where its events are delivered
//! ```
//!
//! `<run>` is one run of a server, named by the time at which it began. The folders of servers that have ended are taken
//! over by the next one, oldest first, and only read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::reader::{Position, Reader, lock_endpoint, run_lock, segment};
use crate::layout::sync_folder;

/// How much waits at most for an endpoint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) events: u64,
    pub(super) bytes: u64,
    /// After how many bytes another file is begun.
    pub(super) segment: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { events: 100_000, bytes: 64 << 20, segment: 1 << 20 }
    }
}

/// The events of this run of the server.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    limits: Limits,
    tail: Mutex<Tail>,
    /// Something was appended, or the server ends.
    changed: Condvar,
    /// Up to where the bytes are on the disk.
    synced: Mutex<Position>,
    _lock: File,
}

#[derive(Debug)]
struct Tail {
    end: Position,
    file: Arc<File>,
    /// A write has failed halfway, and what it left could not be removed.
    is_torn: bool,
    waiting: u64,
    bytes: u64,
    dropped: u64,
    ends: bool,
}

/// What came of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    /// There is an event.
    Ready,
    /// There is none.
    Idle,
    /// The server ends.
    Ended,
}

impl Spool {
    /// Begins a run.
    pub(super) fn begin(endpoint: &Path, limits: Limits) -> io::Result<Self> {
        let _making = lock_endpoint(endpoint)?;
        let folder = new_folder(endpoint)?;
        let lock = run_lock(&folder)?.ok_or(io::ErrorKind::WouldBlock)?;
        let end = Position { segment: 1, offset: 0 };
        let file = Arc::new(create(&folder, end.segment)?);
        sync_folder(endpoint)?;
        let tail = Tail { end, file, is_torn: false, waiting: 0, bytes: 0, dropped: 0, ends: false };
        let (tail, changed, synced) = (Mutex::new(tail), Condvar::new(), Mutex::new(end));
        Ok(Self { folder, limits, tail, changed, synced, _lock: lock })
    }

    /// A reader of this run's events.
    pub(super) fn reader(&self) -> io::Result<Reader> {
        Reader::open(&self.folder, None)
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Appends a line. If there is no room, it is dropped and counted. Returns where it ends.
    pub(super) fn append(&self, line: &[u8]) -> io::Result<Option<Position>> {
        let mut tail = self.tail();
        if tail.waiting >= self.limits.events || tail.bytes + line.len() as u64 > self.limits.bytes {
            tail.dropped += 1;
            return Ok(None);
        }
        if tail.is_torn || tail.end.offset >= self.limits.segment {
            tail.file.sync_data()?;
            let next = tail.end.segment + 1;
            tail.file = Arc::new(create(&self.folder, next)?);
            tail.end = Position { segment: next, offset: 0 };
            tail.is_torn = false;
        }
        if let Err(error) = (&*tail.file).write_all(line) {
            tail.is_torn = tail.file.set_len(tail.end.offset).is_err();
            return Err(error);
        }
        tail.end.offset += line.len() as u64;
        tail.waiting += 1;
        tail.bytes += line.len() as u64;
        self.changed.notify_all();
        Ok(Some(tail.end))
    }

    /// Waits until what ends there is on the disk. One sync is for all that was appended before it.
    pub(super) fn sync(&self, end: Position) -> io::Result<()> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced >= end {
            return Ok(());
        }
        let (file, all) = {
            let tail = self.tail();
            (Arc::clone(&tail.file), tail.end)
        };
        file.sync_data()?;
        *synced = all;
        Ok(())
    }

    /// Waits until there is an event behind `at`, at most so long.
    pub(super) fn wait(&self, at: Position, most: Duration) -> Waited {
        let tail = self.tail();
        let is_idle = |tail: &mut Tail| !tail.ends && at >= tail.end;
        let (tail, _) = self.changed.wait_timeout_while(tail, most, is_idle).unwrap_or_else(PoisonError::into_inner);
        match (tail.ends, at < tail.end) {
            (true, _) => Waited::Ended,
            (false, true) => Waited::Ready,
            (false, false) => Waited::Idle,
        }
    }

    /// Waits so long; whether the server goes on then.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let tail = self.tail();
        let goes_on = |tail: &mut Tail| !tail.ends;
        let (tail, _) = self.changed.wait_timeout_while(tail, time, goes_on).unwrap_or_else(PoisonError::into_inner);
        !tail.ends
    }

    /// Ends all waiting.
    pub(super) fn end(&self) {
        self.tail().ends = true;
        self.changed.notify_all();
    }

    /// Takes note that an event of so many bytes was delivered.
    pub(super) fn delivered(&self, bytes: u64) {
        let mut tail = self.tail();
        tail.waiting = tail.waiting.saturating_sub(1);
        tail.bytes = tail.bytes.saturating_sub(bytes);
    }

    /// How many events wait, and how many were dropped.
    pub(super) fn counts(&self) -> (u64, u64) {
        let tail = self.tail();
        (tail.waiting, tail.dropped)
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if self.tail().waiting == 0 {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A folder for a run, later in the order of names than all that are there.
fn new_folder(endpoint: &Path) -> io::Result<PathBuf> {
    let mut last = 0;
    for entry in fs::read_dir(endpoint)? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
        last = last.max(number.unwrap_or(0));
    }
    let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
    let folder = endpoint.join(format!("{:020}", now.max(last + 1)));
    fs::create_dir(&folder)?;
    Ok(folder)
}

fn create(folder: &Path, number: u64) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create_new(true).open(segment(folder, number))?;
    sync_folder(folder)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(reader: &mut Reader) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(event) = reader.next().expect("a readable file") {
            all.push(String::from_utf8(event.line.clone()).expect("text"));
            reader.advance(&event).expect("a writable file");
        }
        all
    }

    #[test]
    fn events_come_back_in_order_from_many_files_and_after_the_end_of_the_process() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let limits = Limits { segment: 10, ..Limits::default() };
        let spool = Spool::begin(folder.path(), limits).expect("a spool");
        for number in 0..20 {
            let end = spool.append(format!("event {number}\n").as_bytes()).expect("room");
            spool.sync(end.expect("room")).expect("a disk");
        }
        let mut reader = spool.reader().expect("a reader");
        for number in 0..7 {
            let event = reader.next().expect("a readable file").expect("an event");
            assert_eq!(event.line, format!("event {number}").as_bytes());
            reader.advance(&event).expect("a writable file");
        }
        let left = fs::read_dir(spool.folder()).expect("a folder").count();
        drop(reader);
        drop(spool);
        // The end of the process: whoever is next takes over.
        let next = Spool::begin(folder.path(), limits).expect("a spool");
        let mut old = Reader::adopt(folder.path(), next.folder()).expect("the old ones");
        assert_eq!(old.len(), 1);
        assert_eq!(old[0].left().expect("a readable folder"), 13);
        assert!(left < 20, "what is delivered is deleted");
        let expected: Vec<String> = (7..20).map(|number| format!("event {number}")).collect();
        assert_eq!(lines(&mut old[0]), expected);
        old.remove(0).finish();
        assert!(Reader::adopt(folder.path(), next.folder()).expect("none").is_empty());
    }

    #[test]
    fn what_is_torn_is_no_event() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let spool = Spool::begin(folder.path(), Limits::default()).expect("a spool");
        spool.append(b"whole\n").expect("room");
        (&*spool.tail().file).write_all(b"to").expect("room");
        drop(spool);
        let next = Spool::begin(folder.path(), Limits::default()).expect("a spool");
        let mut old = Reader::adopt(folder.path(), next.folder()).expect("the old one");
        assert_eq!(lines(&mut old[0]), ["whole"]);
    }

    #[test]
    fn what_has_no_room_is_counted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let limits = Limits { events: 3, ..Limits::default() };
        let spool = Spool::begin(folder.path(), limits).expect("a spool");
        for number in 0..5 {
            spool.append(format!("{number}\n").as_bytes()).expect("a line");
        }
        assert_eq!(spool.counts(), (3, 2));
        assert_eq!(lines(&mut spool.reader().expect("a reader")), ["0", "1", "2"]);
        spool.delivered(2);
        spool.append(b"5\n").expect("room");
        assert_eq!(spool.counts(), (3, 2));
    }

    #[test]
    fn a_run_that_goes_on_is_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let one = Spool::begin(folder.path(), Limits::default()).expect("a spool");
        one.append(b"mine\n").expect("room");
        let other = Spool::begin(folder.path(), Limits::default()).expect("a spool");
        assert!(Reader::adopt(folder.path(), other.folder()).expect("none").is_empty());
    }
}
