//! apk's `installed`: <https://wiki.alpinelinux.org/wiki/Apk_spec#Installed_Database_V2>.

use super::fields::{Paragraph, paragraphs};
use super::{Kind, Package, Unreadable, collect, number, text};

/// The packages that the database names.
pub fn installed(bytes: &[u8]) -> Result<Vec<Package>, Unreadable> {
    collect(paragraphs(bytes).filter_map(package))
}

/// Fields are single letters whose case counts: `P` is the name, `p` what it provides.
fn package(paragraph: Paragraph<'_>) -> Option<Package> {
    let (mut name, mut version, mut arch, mut license, mut size) = (None, None, None, None, None);
    for (letter, value) in paragraph.fields() {
        let field = match letter {
            b"P" => &mut name,
            b"V" => &mut version,
            b"A" => &mut arch,
            b"L" => &mut license,
            b"I" => &mut size,
            // The list of files follows: nothing of what is wanted comes behind it.
            b"F" => break,
            _ => continue,
        };
        field.get_or_insert_with(|| text(value));
    }
    let name = name.filter(|name| !name.is_empty())?;
    let package = Package::new(Kind::Apk, name, version.unwrap_or_default(), arch.unwrap_or_default());
    let size = size.and_then(|size| number(size.as_bytes()));
    Some(package.licensed(&license.unwrap_or_default()).sized(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_have_case() {
        let database =
            b"C:Q1abc=\nP:musl\nV:1.2.4_git20230717-r4\nA:x86_64\nS:1\nI:622592\nL:MIT\np:so:libc.musl-x86_64.so.1=1\n\
            a:odd\nF:lib\nR:ld-musl-x86_64.so.1\nP:not-this\n\nV:1\nA:noarch\n\nP:b\nV:2-r0\nA:noarch\n";
        let apk = |name, version, arch| Package::new(Kind::Apk, name, version, arch);
        assert_eq!(
            installed(database),
            Ok(vec![
                apk("musl", "1.2.4_git20230717-r4", "x86_64").licensed("MIT").sized(Some(622_592)),
                apk("b", "2-r0", "noarch")
            ])
        );
    }
}
