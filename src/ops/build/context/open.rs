//! Opens a build context and finds its Dockerfile.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use super::error::ContextError;
use super::folder::Folder;
use super::ignore::Ignore;
use super::tarball::{self, Tarball};
use super::{BuildContext, ContextFiles};
use crate::http::{Client, Url};
use crate::layer::{EntryPath, Limits};

/// Where a context is.
pub enum ContextSource<'a> {
    /// A folder, or a tar file.
    Path(PathBuf),
    /// A tar, or a Dockerfile alone, that is read once.
    Stream(Box<dyn Read + Send + 'a>),
    /// A tar, or a Dockerfile alone, on a web server.
    Url(Url, &'a Client),
}

/// Where the Dockerfile is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DockerfilePlace {
    /// `Dockerfile` in the context.
    Default,
    /// What `-f` says: a path of this machine for a context in a folder, else a name in the tar.
    Named(PathBuf),
    /// `-f -`: its text, which was read from standard input.
    Given(Vec<u8>),
}

/// A Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerfileText {
    /// What it is called in messages.
    pub name: String,
    /// Its text.
    pub text: Vec<u8>,
}

/// A context and its Dockerfile.
pub struct OpenedContext {
    /// The context.
    pub context: BuildContext,
    /// The Dockerfile.
    pub dockerfile: DockerfileText,
}

/// The longest Dockerfile or `.dockerignore`, in bytes.
const LONGEST: u64 = 16 << 20;
/// How much of a stream tells whether it is a tar.
const START: u64 = 1024;
/// The name of a Dockerfile that has none.
const DEFAULT: &str = "Dockerfile";
/// The file with the patterns of what is not in the context.
const IGNORE: &str = ".dockerignore";

/// Opens a context. Whether a name that was typed is a URL is decided by the caller; a git repository is refused here.
pub fn open(
    source: ContextSource<'_>,
    dockerfile: &DockerfilePlace,
    limits: &Limits,
) -> Result<OpenedContext, ContextError> {
    match source {
        ContextSource::Path(path) => {
            let failed = |source| ContextError::Open { path: path.clone(), source };
            let metadata = std::fs::metadata(&path).map_err(failed)?;
            if metadata.is_dir() {
                return open_folder(&path, dockerfile);
            }
            let mut file = File::open(&path).map_err(failed)?;
            open_stream(&mut file, &path.display().to_string(), dockerfile, limits)
        }
        ContextSource::Stream(mut stream) => open_stream(&mut stream, "standard input", dockerfile, limits),
        ContextSource::Url(url, client) => {
            let shown = url.to_string();
            if is_git(&shown) {
                return Err(ContextError::Git { url: shown });
            }
            let fetched = client.get(&url).and_then(crate::http::Response::success);
            let response = fetched.map_err(|source| ContextError::Fetch { url: shown.clone(), source })?;
            open_stream(&mut response.into_body(), &shown, dockerfile, limits)
        }
    }
}

/// Whether a URL is that of a git repository.
pub(in crate::ops::build) fn is_git(url: &str) -> bool {
    let path = url.split(['#', '?']).next().unwrap_or_default();
    let has_extension = Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("git"));
    url.starts_with("git://") || url.starts_with("git@") || url.starts_with("ssh://") || has_extension
}

fn open_folder(path: &Path, place: &DockerfilePlace) -> Result<OpenedContext, ContextError> {
    let failed = |source| ContextError::Open { path: path.to_owned(), source };
    let folder = Folder::open(path).map_err(failed)?;
    let (dockerfile, beside) = match place {
        DockerfilePlace::Given(text) => (given(text.clone())?, None),
        DockerfilePlace::Named(name) => read_on_disk(name, Streams::Allowed)?,
        DockerfilePlace::Default => match read_on_disk(&path.join(DEFAULT), Streams::Refused) {
            Err(ContextError::NoDockerfile { name, place }) => read_on_disk(&path.join("dockerfile"), Streams::Refused)
                .map_err(|error| match error {
                    ContextError::NoDockerfile { .. } => ContextError::NoDockerfile { name, place },
                    error => error,
                })?,
            found => found?,
        },
    };
    let ignore = match beside {
        Some(ignore) => ignore,
        None => match read_limited(&path.join(IGNORE), Streams::Refused)? {
            Some(text) => Ignore::parse(IGNORE, &text)?,
            None => Ignore::default(),
        },
    };
    Ok(OpenedContext { context: BuildContext { files: ContextFiles::Folder(folder), ignore }, dockerfile })
}

/// A Dockerfile on this machine, and the patterns of the file beside it that has its name and `.dockerignore`.
fn read_on_disk(path: &Path, streams: Streams) -> Result<(DockerfileText, Option<Ignore>), ContextError> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let Some(text) = read_limited(path, streams)? else {
        let place = path.parent().map_or_else(String::new, |parent| parent.display().to_string());
        return Err(ContextError::NoDockerfile { name, place });
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(IGNORE);
    let ignore = read_limited(Path::new(&beside), Streams::Refused)?;
    let ignore = ignore.map(|text| Ignore::parse(&format!("{name}{IGNORE}"), &text)).transpose()?;
    Ok((checked(DockerfileText { name, text })?, ignore))
}

/// Whether a pipe or a device may be read, which may never end: only one that was typed, as `-f <(…)`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Streams {
    Allowed,
    Refused,
}

/// A file that is not too long; none if there is none.
fn read_limited(path: &Path, streams: Streams) -> Result<Option<Vec<u8>>, ContextError> {
    let name = || path.display().to_string();
    let file = match std::fs::metadata(path) {
        Ok(found) if found.is_file() || (streams == Streams::Allowed && is_stream(&found)) => File::open(path),
        Ok(_) => return Err(ContextError::NotAFile { name: name() }),
        Err(error) => Err(error),
    };
    match file.and_then(|file| read_some(&mut { file })) {
        Ok(text) if text.len() as u64 > LONGEST => Err(ContextError::TooLong { name: name(), limit: LONGEST }),
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(ContextError::Read { name: name(), source }),
    }
}

/// Whether it is a pipe or a character device: `-f <(…)`.
fn is_stream(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    found.file_type().is_fifo() || found.file_type().is_char_device()
}

fn read_some(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LONGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn open_stream(
    stream: &mut (dyn Read + Send),
    place: &str,
    dockerfile: &DockerfilePlace,
    limits: &Limits,
) -> Result<OpenedContext, ContextError> {
    let failed = |source| ContextError::Read { name: place.to_owned(), source };
    let mut start = Vec::new();
    stream.take(START).read_to_end(&mut start).map_err(failed)?;
    let is_archive = tarball::is_archive(&start, limits);
    let mut whole = Cursor::new(start).chain(stream);
    if !is_archive {
        let text = read_some(&mut whole).map_err(failed)?;
        if text.len() as u64 > LONGEST {
            return Err(ContextError::TooLong { name: place.to_owned(), limit: LONGEST });
        }
        let files = ContextFiles::Tarball(Box::new(Tarball::empty()));
        return Ok(OpenedContext {
            context: BuildContext { files, ignore: Ignore::default() },
            dockerfile: given(text)?,
        });
    }
    let tarball = Box::new(Tarball::read(&mut whole, place, limits)?);
    let (dockerfile, beside) = match dockerfile {
        DockerfilePlace::Given(text) => (given(text.clone())?, None),
        DockerfilePlace::Named(name) => in_tarball(&tarball, &name.to_string_lossy(), place)?,
        DockerfilePlace::Default => match in_tarball(&tarball, DEFAULT, place) {
            Err(ContextError::NoDockerfile { name, place: shown }) => in_tarball(&tarball, "dockerfile", place)
                .map_err(|_| ContextError::NoDockerfile { name, place: shown })?,
            found => found?,
        },
    };
    let ignore = match beside {
        Some(ignore) => ignore,
        None => ignore_in(&tarball, IGNORE)?.unwrap_or_default(),
    };
    Ok(OpenedContext { context: BuildContext { files: ContextFiles::Tarball(tarball), ignore }, dockerfile })
}

fn in_tarball(tarball: &Tarball, name: &str, place: &str) -> Result<(DockerfileText, Option<Ignore>), ContextError> {
    let Some(text) = file_in(tarball, name)? else {
        return Err(ContextError::NoDockerfile { name: name.to_owned(), place: place.to_owned() });
    };
    let ignore = ignore_in(tarball, &format!("{name}{IGNORE}"))?;
    Ok((checked(DockerfileText { name: name.to_owned(), text })?, ignore))
}

fn ignore_in(tarball: &Tarball, name: &str) -> Result<Option<Ignore>, ContextError> {
    file_in(tarball, name)?.map(|text| Ignore::parse(name, &text)).transpose()
}

fn file_in(tarball: &Tarball, name: &str) -> Result<Option<Vec<u8>>, ContextError> {
    let Ok(path) = EntryPath::new(name.as_bytes()) else { return Ok(None) };
    let Some(node) = tarball.view.lookup(&path) else { return Ok(None) };
    let Some(range) = node.source() else { return Err(ContextError::NotAFile { name: name.to_owned() }) };
    if range.size > LONGEST {
        return Err(ContextError::TooLong { name: name.to_owned(), limit: LONGEST });
    }
    let text = tarball.read_file(range, LONGEST);
    Ok(Some(text.map_err(|source| ContextError::Read { name: name.to_owned(), source })?))
}

/// The Dockerfile that came by itself.
fn given(text: Vec<u8>) -> Result<DockerfileText, ContextError> {
    checked(DockerfileText { name: DEFAULT.to_owned(), text })
}

fn checked(dockerfile: DockerfileText) -> Result<DockerfileText, ContextError> {
    if dockerfile.text.iter().all(u8::is_ascii_whitespace) {
        return Err(ContextError::Empty { name: dockerfile.name });
    }
    Ok(dockerfile)
}
