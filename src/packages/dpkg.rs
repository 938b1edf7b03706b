//! dpkg's `status`, and the `status.d` of distroless images.
//!
//! <https://www.debian.org/doc/debian-policy/ch-controlfields.html>; `Status` is three words: what is wanted, whether
//! something is broken, and the state.

use super::fields::{Paragraph, paragraphs};
use super::{Kind, Package, Unreadable, collect, number, text};

/// States in which the files of a package are not there: it was removed, and at most its configuration is left.
const NOT_THERE: [&str; 2] = ["not-installed", "config-files"];

/// The packages that a status file names, without those that were removed.
pub fn installed(bytes: &[u8]) -> Result<Vec<Package>, Unreadable> {
    collect(paragraphs(bytes).filter_map(package))
}

fn package(paragraph: Paragraph<'_>) -> Option<Package> {
    let field = |name| paragraph.field(name).map(text);
    // Distroless images write no state: what is listed is there.
    let state = field("Status").unwrap_or_default();
    if state.split_whitespace().next_back().is_some_and(|state| NOT_THERE.contains(&state)) {
        return None;
    }
    let name = field("Package").filter(|name| !name.is_empty())?;
    let version = field("Version").unwrap_or_default();
    // In KiB.
    let size = paragraph.field("Installed-Size").and_then(number).and_then(|size| size.checked_mul(1024));
    Some(Package::new(Kind::Deb, name, version, field("Architecture").unwrap_or_default()).sized(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_is_left_out() {
        let status = b"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nInstalled-Size: 13\nMulti-Arch: same\n\
            Version: 2.36-9+deb12u4\nDescription: GNU C Library\n Package: not this\n .\n Version: 0\n\n\
            Package: old\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n\
            Package: never\nStatus: unknown ok not-installed\nArchitecture: all\n\n\
            package: Half\nStatus: install reinstreq half-installed\nArchitecture: all\nVersion: 1:2-3\n\n\
            Status: install ok installed\nVersion: nameless\n";
        let deb = |name, version, arch| Package::new(Kind::Deb, name, version, arch);
        assert_eq!(
            installed(status),
            Ok(vec![deb("libc6", "2.36-9+deb12u4", "amd64").sized(Some(13 << 10)), deb("Half", "1:2-3", "all")])
        );
        let distroless = b"Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all\n";
        assert_eq!(installed(distroless), Ok(vec![deb("tzdata", "2024a-0+deb12u1", "all")]));
    }
}
