//! `ADD` of a URL: what it gives is one file, fetched once to a file without a name.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;

use super::error::CopyError;
use super::pick::{Item, Pick};
use super::request::Tools;
use super::tree::{Content, SourceNode};
use crate::http::{Response, Url};
use crate::layer::{EntryKind, Mtime};
use crate::oci::{Digest, Hasher};

/// Whether a source is fetched from a web server.
pub(super) fn is_url(source: &str) -> bool {
    let starts = |scheme: &str| source.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    starts("http://") || starts("https://")
}

/// Fetches a URL. `into_directory` says that the destination is a directory, so that a name is needed.
pub(super) fn fetch<'a>(
    text: &str,
    checksum: Option<Digest>,
    into_directory: bool,
    tools: &Tools<'_>,
) -> Result<Item<'a>, CopyError> {
    let url: Url = text.parse().map_err(|_| CopyError::BadUrl { url: text.to_owned() })?;
    let name = name(&url);
    if name.is_none() && into_directory {
        return Err(CopyError::NameOfUrl { url: url.to_string() });
    }
    let client = tools.client.ok_or_else(|| CopyError::Offline { url: url.to_string() })?;
    let failed = |source| CopyError::Fetch { url: url.to_string(), source };
    let response = client.get(&url).and_then(Response::success).map_err(failed)?;
    let mtime = response.header("last-modified").and_then(last_modified).unwrap_or_default();
    let mut file = tempfile::tempfile().map_err(CopyError::Temporary)?;
    let (mut body, mut hasher, mut size) = (response.into_body(), Hasher::new(), 0);
    let mut buffer = vec![0; 128 << 10];
    loop {
        let got = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(CopyError::Read { path: url.to_string().into_bytes(), source }),
        };
        size += got as u64;
        if size > tools.limits.unpacked {
            let source = io::Error::from(io::ErrorKind::FileTooLarge);
            return Err(CopyError::Read { path: url.to_string().into_bytes(), source });
        }
        hasher.update(&buffer[..got]);
        file.write_all(&buffer[..got]).map_err(CopyError::Temporary)?;
    }
    let actual = hasher.finish();
    if let Some(expected) = checksum.filter(|expected| *expected != actual) {
        return Err(CopyError::Mismatch { url: url.to_string(), actual, expected });
    }
    file.seek(SeekFrom::Start(0)).map_err(CopyError::Temporary)?;
    let content = Content::Spooled { file: Arc::new(file), offset: 0, sparse: None, digest: Some(actual) };
    let node = made(EntryKind::File, 0o600, mtime, size, content);
    let name = name.unwrap_or_else(|| "__unnamed__".to_owned()).into_bytes();
    Ok(Item { name, picks: vec![Pick { path: Vec::new(), node }], unpack: false })
}

/// A file that does not come from a tree.
pub(super) fn made(kind: EntryKind, mode: u32, mtime: Mtime, size: u64, content: Content<'_>) -> SourceNode<'_> {
    SourceNode { kind, mode, uid: 0, gid: 0, mtime, size, link: None, xattrs: Vec::new(), content, is_socket: false }
}

/// The last component of a URL's path, if it has one.
fn name(url: &Url) -> Option<String> {
    let path = url.path_and_query().split(['?', '#']).next().unwrap_or_default();
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let decoded = percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned();
    let is_name = !matches!(decoded.as_str(), "" | "." | "..") && !decoded.contains(['/', '\0']);
    is_name.then_some(decoded)
}

fn last_modified(text: &str) -> Option<Mtime> {
    let time = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Mtime { seconds: time.as_second(), nanos: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_end_of_the_path() {
        let table = [
            ("http://a/x.tar?q=1#f", Some("x.tar")),
            ("http://a/b%20c", Some("b c")),
            ("http://a/d/", Some("d")),
            ("http://a/", None),
            ("http://a", None),
            ("http://a/..%2f..", None),
        ];
        for (url, expected) in table {
            assert_eq!(name(&url.parse().expect("a URL")).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_date_is_read() {
        let time = last_modified("Fri, 14 Jul 2017 02:40:00 GMT").expect("a date");
        assert_eq!(time, Mtime { seconds: 1_500_000_000, nanos: 0 });
        assert_eq!(last_modified("yesterday"), None);
    }
}
