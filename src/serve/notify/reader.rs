//! Reads the events of one run of a server, and remembers how far they are delivered.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// A place in the files of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

/// An event that was read.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Without the end of its line.
    pub(super) line: Vec<u8>,
    /// Where the next one is.
    pub(super) end: Position,
}

/// Reads the events of one run.
#[derive(Debug)]
pub(super) struct Reader {
    folder: PathBuf,
    at: Position,
    file: Option<BufReader<File>>,
    /// Where it is written up to where events are delivered.
    delivered: File,
    /// Held if the run was another process's.
    _lock: Option<File>,
}

/// Where a file of events is.
pub(super) fn segment(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:020}.jsonl"))
}

/// The lock of an endpoint's folder, under which runs are begun and taken over.
pub(super) fn lock_endpoint(endpoint: &Path) -> io::Result<File> {
    fs::create_dir_all(endpoint)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(endpoint.join("lock"))?;
    file.lock()?;
    Ok(file)
}

/// Locks a run; none if its process goes on.
pub(super) fn run_lock(folder: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Reader {
    /// Reads a run from where its events are delivered.
    pub(super) fn open(folder: &Path, lock: Option<File>) -> io::Result<Self> {
        let path = folder.join("delivered");
        let known = fs::read_to_string(&path).ok().and_then(|text| parse(&text)).unwrap_or_default();
        let delivered = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        Ok(Self { folder: folder.to_owned(), at: known, file: None, delivered, _lock: lock })
    }

    /// Takes over the runs of servers that have ended, oldest first; not `own`.
    pub(super) fn adopt(endpoint: &Path, own: &Path) -> io::Result<Vec<Self>> {
        let _taking = lock_endpoint(endpoint)?;
        let mut runs: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(endpoint)? {
            let path = entry?.path();
            if path.is_dir() && path != own {
                runs.push(path);
            }
        }
        runs.sort();
        let mut readers = Vec::new();
        for run in runs {
            if let Some(lock) = run_lock(&run)? {
                readers.push(Self::open(&run, Some(lock))?);
            }
        }
        Ok(readers)
    }

    /// Up to where events are delivered.
    pub(super) fn at(&self) -> Position {
        self.at
    }

    /// How many events are left.
    pub(super) fn left(&self) -> io::Result<u64> {
        let mut left = 0;
        for number in segments(&self.folder)?.into_iter().filter(|number| *number >= self.at.segment) {
            let mut file = BufReader::new(File::open(segment(&self.folder, number))?);
            if number == self.at.segment {
                file.seek(SeekFrom::Start(self.at.offset))?;
            }
            while let Some(line) = line(&mut file)? {
                left += u64::from(!line.is_empty());
            }
        }
        Ok(left)
    }

    /// The next event that is not delivered; none, if there is no more. It comes again until [`Reader::advance`].
    pub(super) fn next(&mut self) -> io::Result<Option<Waiting>> {
        loop {
            let at = self.at;
            if let Some(file) = self.opened()? {
                file.seek(SeekFrom::Start(at.offset))?;
                if let Some(line) = line(file)? {
                    let end = Position { offset: at.offset + line.len() as u64 + 1, ..at };
                    return Ok(Some(Waiting { line, end }));
                }
            }
            let Some(next) = segments(&self.folder)?.into_iter().find(|number| *number > at.segment) else {
                return Ok(None);
            };
            self.file = None;
            let _ = fs::remove_file(segment(&self.folder, at.segment));
            self.at = Position { segment: next, offset: 0 };
        }
    }

    /// Takes note, on the disk, that an event is delivered.
    pub(super) fn advance(&mut self, event: &Waiting) -> io::Result<()> {
        // Only in memory first: what cannot be written must not be sent again as long as this process lives.
        self.at = event.end;
        let Position { segment, offset } = event.end;
        self.delivered.write_all_at(format!("{segment:020} {offset:020}\n").as_bytes(), 0)?;
        self.delivered.sync_data()
    }

    /// Deletes a run of another process, all of which is delivered.
    pub(super) fn finish(self) {
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// The file in which the next event is, if it is there.
    fn opened(&mut self) -> io::Result<Option<&mut BufReader<File>>> {
        if self.file.is_none() {
            match File::open(segment(&self.folder, self.at.segment)) {
                Ok(file) => self.file = Some(BufReader::new(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(self.file.as_mut())
    }
}

/// The first events of all runs of an endpoint that are not delivered, at most so many. What is delivered meanwhile may
/// be missing.
pub(super) fn peek(endpoint: &Path, most: usize) -> Vec<Vec<u8>> {
    let mut runs: Vec<PathBuf> = fs::read_dir(endpoint).into_iter().flatten().flatten().map(|run| run.path()).collect();
    runs.sort();
    let mut events = Vec::new();
    for run in runs.iter().filter(|run| run.is_dir()) {
        let known = fs::read_to_string(run.join("delivered")).ok().and_then(|text| parse(&text)).unwrap_or_default();
        for number in segments(run).unwrap_or_default().into_iter().filter(|number| *number >= known.segment) {
            let Ok(file) = File::open(segment(run, number)) else { continue };
            let mut file = BufReader::new(file);
            let start = if number == known.segment { known.offset } else { 0 };
            if file.seek(SeekFrom::Start(start)).is_err() {
                continue;
            }
            while let Ok(Some(event)) = line(&mut file) {
                if events.len() == most {
                    return events;
                }
                events.push(event);
            }
        }
    }
    events
}

/// The numbers of the files of a run, in order.
fn segments(run: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(run)? {
        let name = entry?.file_name();
        let number: Option<u64> = name.to_str().and_then(|name| name.strip_suffix(".jsonl")?.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The next line, without its end; none if there is no whole one.
fn line(file: &mut BufReader<File>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    file.read_until(b'\n', &mut line)?;
    Ok(line.pop_if(|last| *last == b'\n').map(|_| line))
}

fn parse(text: &str) -> Option<Position> {
    let (segment, offset) = text.trim().split_once(' ')?;
    Some(Position { segment: segment.parse().ok()?, offset: offset.parse().ok()? })
}
