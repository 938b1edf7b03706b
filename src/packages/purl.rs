//! Package URLs: <https://github.com/package-url/purl-spec>.
//!
//! ```text
//! pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12
//!     type/namespace/name@version?qualifiers, sorted
//! ```

use std::fmt::Write as _;

use super::os_release::OsRelease;
use super::{Kind, Package};

/// The package URL of a package in an image with this distribution. None where a part is not known that the type
/// requires: the group of a Maven artifact, and the distribution of what it installed.
pub fn of(package: &Package, os: Option<&OsRelease>) -> Option<String> {
    let (name, mut version) = (package.name.as_str(), package.version.as_str());
    let mut qualifiers: Vec<(&str, String)> = Vec::new();
    let is_of_distro = matches!(package.kind, Kind::Deb | Kind::Apk | Kind::Rpm);
    let (namespace, name) = match package.kind {
        Kind::Rpm => {
            if let Some((epoch, rest)) = version.split_once(':') {
                qualifiers.push(("epoch", epoch.to_owned()));
                version = rest;
            }
            (os?.id.to_lowercase(), name.to_owned())
        }
        _ if is_of_distro => (os?.id.to_lowercase(), name.to_lowercase()),
        Kind::Python => (String::new(), name.to_lowercase().replace('_', "-")),
        Kind::Npm | Kind::Composer | Kind::Go => {
            let (group, name) = package.group_and_name();
            (group.to_lowercase(), name.to_lowercase())
        }
        Kind::Maven => {
            let (group, name) = package.group_and_name();
            if group.is_empty() {
                return None;
            }
            (group.to_owned(), name.to_owned())
        }
        _ => (String::new(), name.to_owned()),
    };
    // Where a program was compiled for is no part of its modules.
    if !package.arch.is_empty() && package.kind != Kind::Go {
        let key = if package.kind == Kind::Gem { "platform" } else { "arch" };
        qualifiers.push((key, package.arch.clone()));
    }
    qualifiers.extend(os.filter(|_| is_of_distro).map(|os| ("distro", os.distro())));
    Some(purl(package.kind.purl_type(), &namespace, &name, version, &mut qualifiers))
}

/// Writes a package URL from its parts. Each is encoded; empty ones are left out.
pub fn purl(kind: &str, namespace: &str, name: &str, version: &str, qualifiers: &mut [(&str, String)]) -> String {
    let mut url = format!("pkg:{kind}/");
    for part in namespace.split('/').filter(|part| !part.is_empty()) {
        encode(&mut url, part, "");
        url.push('/');
    }
    encode(&mut url, name, "");
    if !version.is_empty() {
        url.push('@');
        encode(&mut url, version, "");
    }
    qualifiers.sort();
    let mut before = '?';
    for (key, value) in qualifiers.iter().filter(|(_, value)| !value.is_empty()) {
        url.push(before);
        url.push_str(key);
        url.push('=');
        encode(&mut url, value, "/");
        before = '&';
    }
    url
}

/// Percent-encodes all but what the specification leaves as it is, and what is `kept`.
fn encode(to: &mut String, text: &str, kept: &str) {
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || ".-_~:".contains(c) || kept.contains(c) {
            to.push(c);
        } else {
            let _ = write!(to, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_its_form() {
        let os = OsRelease::read(b"ID=debian\nVERSION_ID=\"12\"").expect("an ID");
        let table = [
            (
                Kind::Deb,
                "libstdc++6",
                "1:2.36-9+deb12u4",
                "amd64",
                "pkg:deb/debian/libstdc%2B%2B6@1:2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12",
            ),
            (Kind::Apk, "musl", "1.2_git-r4", "x86_64", "pkg:apk/debian/musl@1.2_git-r4?arch=x86_64&distro=debian-12"),
            (Kind::Python, "Flask_SQLAlchemy", "3.0", "", "pkg:pypi/flask-sqlalchemy@3.0"),
            (Kind::Npm, "@angular/cli", "1", "", "pkg:npm/%40angular/cli@1"),
            (Kind::Npm, "left-pad", "", "", "pkg:npm/left-pad"),
            (Kind::Gem, "nokogiri", "1.16.0", "x86_64-linux", "pkg:gem/nokogiri@1.16.0?platform=x86_64-linux"),
            (
                Kind::Rpm,
                "Bash+",
                "1:5.2-3.fc40",
                "x86_64",
                "pkg:rpm/debian/Bash%2B@5.2-3.fc40?arch=x86_64&distro=debian-12&epoch=1",
            ),
            (
                Kind::Go,
                "github.com/Masterminds/semver/v3",
                "v3.2.1",
                "amd64",
                "pkg:golang/github.com/masterminds/semver/v3@v3.2.1",
            ),
            (Kind::Go, "stdlib", "1.22.1", "", "pkg:golang/stdlib@1.22.1"),
            (Kind::Cargo, "serde_json", "1.0.1", "", "pkg:cargo/serde_json@1.0.1"),
            (Kind::Maven, "org.slf4j:slf4j-api", "2.0.9", "", "pkg:maven/org.slf4j/slf4j-api@2.0.9"),
            (Kind::Composer, "Monolog/monolog", "3", "", "pkg:composer/monolog/monolog@3"),
        ];
        for (kind, name, version, arch, expected) in table {
            let package = Package::new(kind, name, version, arch);
            assert_eq!(of(&package, Some(&os)).as_deref(), Some(expected));
        }
        assert_eq!(of(&Package::new(Kind::Deb, "a", "1", "all"), None), None);
        assert_eq!(of(&Package::new(Kind::Maven, "a", "1", ""), Some(&os)), None);
        assert_eq!(
            purl("oci", "", "ä b", "sha256:1", &mut [("tag", "1".into()), ("repository_url", "h.io/a b".into())]),
            "pkg:oci/%C3%A4%20b@sha256:1?repository_url=h.io/a%20b&tag=1"
        );
    }
}
