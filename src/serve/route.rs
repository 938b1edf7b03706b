//! What a path of the API names.

use percent_encoding::percent_decode_str;

use super::any_digest::AnyDigest;
use super::refusal::{Code, Refusal};
use super::repository::RepositoryName;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// `/v2/`
    Base,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/NAME/tags/list`
    Tags(RepositoryName),
    /// `/v2/NAME/manifests/REFERENCE`
    Manifest(RepositoryName, Target),
    /// `/v2/NAME/blobs/DIGEST`
    Blob(RepositoryName, AnyDigest),
    /// `/v2/NAME/blobs/uploads/`
    Uploads(RepositoryName),
    /// `/v2/NAME/blobs/uploads/ID`
    Upload(RepositoryName, String),
    /// `/v2/NAME/referrers/DIGEST`
    Referrers(RepositoryName, AnyDigest),
}

/// How a manifest is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Tag(String),
    Digest(AnyDigest),
}

impl Route {
    /// The repository that it is about.
    pub(super) fn name(&self) -> Option<&RepositoryName> {
        match self {
            Self::Base | Self::Catalog => None,
            Self::Tags(name)
            | Self::Manifest(name, _)
            | Self::Blob(name, _)
            | Self::Uploads(name)
            | Self::Upload(name, _)
            | Self::Referrers(name, _) => Some(name),
        }
    }

    /// The same of another repository.
    pub(super) fn renamed(self, rename: impl FnOnce(RepositoryName) -> RepositoryName) -> Self {
        match self {
            Self::Base | Self::Catalog => self,
            Self::Tags(name) => Self::Tags(rename(name)),
            Self::Manifest(name, target) => Self::Manifest(rename(name), target),
            Self::Blob(name, digest) => Self::Blob(rename(name), digest),
            Self::Uploads(name) => Self::Uploads(rename(name)),
            Self::Upload(name, id) => Self::Upload(rename(name), id),
            Self::Referrers(name, digest) => Self::Referrers(rename(name), digest),
        }
    }

    /// What `path` names; none, if it is no path of the API.
    pub(super) fn parse(path: &str) -> Option<Result<Self, Refusal>> {
        let rest = match path {
            "/v2" | "/v2/" => return Some(Ok(Self::Base)),
            "/v2/_catalog" => return Some(Ok(Self::Catalog)),
            path => path.strip_prefix("/v2/")?,
        };
        let decoded = percent_decode_str(rest).decode_utf8().ok()?;
        let mut parts = decoded.rsplitn(4, '/');
        let (last, kind, third, fourth) = (parts.next()?, parts.next()?, parts.next(), parts.next());
        let name = |count: usize| {
            let name = decoded.rsplitn(count + 1, '/').nth(count).unwrap_or_default();
            RepositoryName::parse(name)
                .ok_or_else(|| Refusal::new(Code::NameInvalid).detail(serde_json::json!({"name": name})))
        };
        let digest = |text: &str| text.parse::<AnyDigest>().map_err(|_| invalid_digest(text));
        Some(match (kind, third, last) {
            ("uploads", Some("blobs"), "") => name(3).map(Self::Uploads),
            ("uploads", Some("blobs"), id) if fourth.is_some() => name(3).map(|name| Self::Upload(name, id.to_owned())),
            ("blobs", Some(_), "uploads") => name(2).map(Self::Uploads),
            ("blobs", Some(_), text) => name(2).and_then(|name| Ok(Self::Blob(name, digest(text)?))),
            ("referrers", Some(_), text) => name(2).and_then(|name| Ok(Self::Referrers(name, digest(text)?))),
            ("tags", Some(_), "list") => name(2).map(Self::Tags),
            ("manifests", Some(_), text) => name(2).and_then(|name| Ok(Self::Manifest(name, Target::parse(text)?))),
            _ => return None,
        })
    }
}

impl Route {
    /// Its name in the metrics.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Catalog => "catalog",
            Self::Tags(_) => "tags",
            Self::Manifest(..) => "manifest",
            Self::Blob(..) => "blob",
            Self::Uploads(_) | Self::Upload(..) => "upload",
            Self::Referrers(..) => "referrers",
        }
    }
}

impl Target {
    /// A digest or a tag.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        if text.contains(':') {
            return text.parse().map(Self::Digest).map_err(|_| invalid_digest(text));
        }
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let is_tag = (1..=128).contains(&text.len()) && text.bytes().all(is_inner) && !text.starts_with(['.', '-']);
        if is_tag { Ok(Self::Tag(text.to_owned())) } else { Err(Refusal::because(Code::TagInvalid, "invalid tag")) }
    }
}

fn invalid_digest(text: &str) -> Refusal {
    let shown: String = text.chars().take(200).collect();
    Refusal::because(Code::DigestInvalid, "the digest is not one of sha256 or sha512")
        .detail(serde_json::json!({"digest": shown}))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parsed(path: &str) -> Option<Route> {
        Route::parse(path).map(|route| route.unwrap_or_else(|refusal| panic!("{path}: {refusal:?}")))
    }

    #[test]
    fn paths_of_the_api() {
        let name = |text: &str| RepositoryName::parse(text).expect("a name");
        let digest = || SHA.parse::<AnyDigest>().expect("a digest");
        assert_eq!(parsed("/v2/"), Some(Route::Base));
        assert_eq!(parsed("/v2/_catalog"), Some(Route::Catalog));
        assert_eq!(parsed("/v2/a/b/tags/list"), Some(Route::Tags(name("a/b"))));
        assert_eq!(parsed("/v2/a/manifests/1"), Some(Route::Manifest(name("a"), Target::Tag("1".to_owned()))));
        assert_eq!(
            parsed(&format!("/v2/a/manifests/{}", SHA.replace(':', "%3A"))),
            Some(Route::Manifest(name("a"), Target::Digest(digest())))
        );
        assert_eq!(parsed(&format!("/v2/a/blobs/{SHA}")), Some(Route::Blob(name("a"), digest())));
        assert_eq!(parsed("/v2/a/blobs/uploads/"), Some(Route::Uploads(name("a"))));
        assert_eq!(parsed("/v2/a/blobs/uploads"), Some(Route::Uploads(name("a"))));
        assert_eq!(parsed("/v2/a/blobs/uploads/x"), Some(Route::Upload(name("a"), "x".to_owned())));
        assert_eq!(parsed(&format!("/v2/a/referrers/{SHA}")), Some(Route::Referrers(name("a"), digest())));
        // Repositories may be named like parts of paths.
        assert_eq!(parsed("/v2/blobs/tags/list"), Some(Route::Tags(name("blobs"))));
        assert_eq!(parsed("/v2/a/blobs/uploads/manifests/1"), {
            Some(Route::Manifest(name("a/blobs/uploads"), Target::Tag("1".to_owned())))
        });
        for other in ["/", "/v1/", "/v2/x", "/v2/a/b/c", "/v2//tags/other"] {
            assert_eq!(parsed(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for path in [
            "/v2/A/tags/list",
            "/v2/../tags/list",
            "/v2/a/%2e%2e/tags/list",
            "/v2/a/manifests/-x",
            "/v2/a/manifests/sha1:abc",
            "/v2/a/blobs/nothing",
            "/v2/a/manifests/x%00",
        ] {
            assert!(Route::parse(path).expect("a path of the API").is_err(), "{path}");
        }
        assert!(Route::parse(&format!("/v2/a/manifests/{}", "x".repeat(10_000))).expect("a path").is_err());
    }
}
