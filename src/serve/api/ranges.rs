//! Conditional requests and requests for a part (RFC 9110, 13 and 14).

use hyper::StatusCode;
use hyper::header::{ACCEPT_RANGES, CONTENT_RANGE, HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE};

use crate::serve::asked::Asked;
use crate::serve::refusal::{Code, Refusal};

/// The part of a blob that a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) status: StatusCode,
    pub(super) start: u64,
    pub(super) length: u64,
    pub(super) header: Vec<(HeaderName, String)>,
}

/// Whether the client says that it has the content of that tag already.
pub(super) fn is_known(asked: &Asked, etag: &str) -> bool {
    let Some(known) = asked.header(IF_NONE_MATCH) else { return false };
    let bare = etag.trim_matches('"');
    known
        .split(',')
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == "*" || one.trim_matches('"') == bare)
}

/// What part of `size` bytes is asked for: all, or one range. Several ranges in one request are answered with all, as
/// the specification of HTTP allows.
pub(super) fn wanted(asked: &Asked, etag: &str, size: u64) -> Result<Wanted, Refusal> {
    let accepts = (ACCEPT_RANGES, "bytes".to_owned());
    let all = Wanted { status: StatusCode::OK, start: 0, length: size, header: vec![accepts.clone()] };
    let is_same = asked.header(IF_RANGE).is_none_or(|condition| condition == etag);
    let Some(range) = asked.header(RANGE).filter(|_| is_same) else { return Ok(all) };
    let Some(spec) = range.strip_prefix("bytes=").filter(|spec| !spec.contains(',')) else { return Ok(all) };
    let outside = || {
        Refusal::because(Code::RangeInvalid, "the range is outside the blob")
            .header(CONTENT_RANGE, format!("bytes */{size}"))
    };
    let Some((first, last)) = spec.trim().split_once('-') else { return Ok(all) };
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let (start, end) = match (first, last) {
        ("", last) => match number(last) {
            Some(0) => return Err(outside()),
            Some(count) => (size.saturating_sub(count), size),
            None => return Ok(all),
        },
        (first, "") => match number(first) {
            Some(first) => (first, size),
            None => return Ok(all),
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => (first, size.min(last.saturating_add(1))),
            (Some(_), Some(_)) => return Err(outside()),
            _ => return Ok(all),
        },
    };
    if start >= size {
        return Err(outside());
    }
    let part = format!("bytes {start}-{}/{size}", end - 1);
    let header = vec![accepts, (CONTENT_RANGE, part)];
    Ok(Wanted { status: StatusCode::PARTIAL_CONTENT, start, length: end - start, header })
}
