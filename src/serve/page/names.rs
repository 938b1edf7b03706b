//! Paths of the page, and names by which clients pull.

use hyper::header::HOST;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::serve::asked::Asked;
use crate::serve::repository::RepositoryName;
use crate::serve::route::Target;

/// What is escaped in a path; names, tags and digests have none of these.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?');
/// The longest host that is shown.
const MAX_HOST: usize = 253;

/// The path of a repository's page.
pub(super) fn of_repository(name: &RepositoryName) -> String {
    escaped(&format!("/ui/r/{name}"))
}

/// The path of an image's page.
pub(super) fn of_image(name: &RepositoryName, target: &Target) -> String {
    escaped(&format!("/ui/i/{}", of(name, target)))
}

/// The path of the report about an image, of that manifest of an index.
pub(super) fn of_report(name: &RepositoryName, target: &Target, platform: Option<&str>) -> String {
    let query = platform.map_or_else(String::new, |digest| format!("?platform={}", escaped(digest)));
    format!("{}{query}", escaped(&format!("/ui/report/{}", of(name, target))))
}

/// The path of the question whether to delete.
pub(super) fn of_delete(name: &RepositoryName, target: &Target) -> String {
    escaped(&format!("/ui/delete/{}", of(name, target)))
}

fn escaped(path: &str) -> String {
    utf8_percent_encode(path, ESCAPED).to_string()
}

/// `NAME:TAG` or `NAME@DIGEST`
pub(super) fn of(name: &RepositoryName, target: &Target) -> String {
    match target {
        Target::Tag(tag) => format!("{name}:{tag}"),
        Target::Digest(digest) => format!("{name}@{digest}"),
    }
}

/// The parts of `NAME:TAG` or `NAME@DIGEST`.
pub(super) fn parse(text: &str) -> Option<(RepositoryName, Target)> {
    let (name, target) = text.split_once('@').or_else(|| text.split_once(':'))?;
    Some((RepositoryName::parse(name)?, Target::parse(target).ok()?))
}

/// The registry as the client calls it, if it says so in a form that clients of registries take.
pub(super) fn registry(asked: &Asked) -> Option<String> {
    let host = asked.header(HOST).filter(|host| host.len() <= MAX_HOST)?;
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => host.find(':').map_or((host, ""), |at| host.split_at(at)),
    };
    let port_is_good =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok() && port.len() <= 5);
    let name_is_good = if host.starts_with('[') {
        name.parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
    };
    if !port_is_good || !name_is_good {
        return None;
    }
    // Without a dot or a port, a name is taken for a user of Docker Hub.
    let is_plain = port.is_empty() && !name.contains('.') && !name.contains(':') && name != "localhost";
    Some(if is_plain { format!("{host}:80") } else { host.to_owned() })
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderMap, HeaderValue};
    use hyper::{Method, Uri};

    use super::*;

    #[test]
    fn only_hosts_that_clients_take_are_shown() {
        let registry = |host: &str| {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_str(host).expect("a value"))]);
            registry(&Asked::new(Method::GET, &Uri::from_static("/"), headers, "".into()))
        };
        for good in ["127.0.0.1:5000", "localhost", "localhost:5000", "r.example.com", "[::1]:5000"] {
            assert_eq!(registry(good).as_deref(), Some(good));
        }
        assert_eq!(registry("build-box").as_deref(), Some("build-box:80"));
        for bad in ["", "a b", "x\"><script>", "a:b", "a:123456", "[::1", "[zz]:1", "-x", "a;rm", "a$(x)", "a/b"] {
            assert_eq!(registry(bad), None, "{bad}");
        }
    }
}
