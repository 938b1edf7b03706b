//! Recognises files that are given instead of an archive, by their first bytes.

/// Magic numbers at the start of a file.
const MAGIC: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"xar!", "a xar archive"),
    (b"MSCF", "a cabinet archive"),
    (b"!<arch>\ndebian-binary", "a Debian package"),
    (b"!<arch>\n", "an ar archive"),
    (b"\xed\xab\xee\xdb", "an RPM package"),
    (b"070701", "a cpio archive"),
    (b"070702", "a cpio archive"),
    (b"070707", "a cpio archive"),
    (b"\xc7\x71", "a cpio archive"),
    (b"\x04\x22\x4d\x18", "lz4 data, which cannot be read here"),
    (b"LZIP", "lzip data, which cannot be read here"),
    (b"\x89LZO", "lzop data, which cannot be read here"),
    (b"\x1f\x9d", "compress (.Z) data, which cannot be read here"),
    (b"\x5d\x00\x00", "lzma data, which cannot be read here"),
    (b"Salted__", "data encrypted with openssl"),
    (b"age-encryption.org/", "data encrypted with age"),
    (b"\x7fELF", "an ELF program"),
    (b"MZ", "a Windows program"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"\xca\xfe\xba\xbe", "a Java class or macOS program"),
    (b"\0asm", "a WebAssembly module"),
    (b"hsqs", "a squashfs image"),
    (b"sqsh", "a squashfs image"),
    (b"XFSB", "an XFS file system"),
    (b"QFI\xfb", "a qcow2 disk image"),
    (b"KDMV", "a VMDK disk image"),
    (b"vhdxfile", "a VHDX disk image"),
    (b"conectix", "a VHD disk image"),
    (b"<<< ", "a VDI disk image"),
    (b"PACK\0\0\0", "a git pack"),
    (b"# v2 git bundle", "a git bundle"),
    (b"# v3 git bundle", "a git bundle"),
    (b"version https://git-lfs.github.com/", "a Git LFS pointer (git lfs pull fetches the file)"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"-----BEGIN ", "a PEM file"),
    (b"\xff\xfe\0\0", "text in UTF-32"),
    (b"\0\0\xfe\xff", "text in UTF-32"),
    (b"\xff\xfe", "text in UTF-16 (Windows PowerShell's > writes such; save -o does not)"),
    (b"\xfe\xff", "text in UTF-16"),
    (b"\x1f\x8b", "gzip data, compressed more than once"),
    (b"BZh", "bzip2 data, compressed more than once"),
    (b"\xfd7zXZ\0", "xz data, compressed more than once"),
    (b"\x28\xb5\x2f\xfd", "zstd data, compressed more than once"),
];

/// Magic numbers at other offsets, for file systems that leave the first bytes free.
const MAGIC_INSIDE: &[(usize, &[u8], &str)] = &[
    (32, b"SIF_MAGIC", "a Singularity image"),
    (510, b"\x55\xaa", "a disk image"),
    (1024, b"\xe2\xe1\xf5\xe0", "an EROFS file system"),
    (1024, b"\x10\x20\xf5\xf2", "an F2FS file system"),
    (1080, b"\x53\xef", "an ext2, ext3 or ext4 file system"),
    (32769, b"CD001", "an ISO 9660 image"),
];

/// How many bytes [`recognise`] needs to detect all file systems.
pub(super) const LOOKED_AT_INSIDE: usize = 32774;

/// Recognises a file other than a tar by its first bytes.
pub(super) fn recognise(start: &[u8]) -> Option<String> {
    let known = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, what)| *what);
    let inside = || {
        let there =
            |(at, magic, _): &&(usize, &[u8], &str)| start.get(*at..).is_some_and(|rest| rest.starts_with(magic));
        MAGIC_INSIDE.iter().find(there).map(|(_, _, what)| *what)
    };
    known.or_else(inside).map(str::to_owned).or_else(|| text(start))
}

/// Recognises text.
fn text(start: &[u8]) -> Option<String> {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    // The last character may be truncated.
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if start.len() - error.valid_up_to() < 4 => {
            std::str::from_utf8(&start[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_text = |char: char| !char.is_control() || matches!(char, '\n' | '\r' | '\t' | '\u{1b}' | '\u{c}');
    if text.trim().is_empty() || !text.chars().all(is_text) {
        return None;
    }
    let text = text.trim_start();
    let lower = text.get(..text.len().min(15)).unwrap_or(text).to_ascii_lowercase();
    Some(match lower.as_str() {
        lower if lower.starts_with("<!doctype html") || lower.starts_with("<html") => "an HTML page".to_owned(),
        lower if lower.starts_with("<?xml") => "an XML document".to_owned(),
        lower if lower.starts_with(['{', '[']) => "JSON".to_owned(),
        lower if lower.starts_with("#!") => "a script".to_owned(),
        _ => {
            let line: String = text.lines().next().unwrap_or_default().chars().take(60).collect();
            format!("text that begins with {line:?}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_tar_is_called_what_it_is() {
        for (start, what) in [
            (&b"PK\x03\x04\x14\0"[..], "a zip archive"),
            (b"!<arch>\ndebian-binary   1", "a Debian package"),
            (b"!<arch>\nfoo.o", "an ar archive"),
            (b"\xef\xbb\xbf<!DOCTYPE HTML>\n<html>", "an HTML page"),
            (b"\n  {\"a\": 1}", "JSON"),
            (b"Error: no such image\n", "text that begins with \"Error: no such image\""),
            ("häß".as_bytes(), "text that begins with \"häß\""),
            (&"häß".as_bytes()[..4], "text that begins with \"hä\""),
        ] {
            assert_eq!(recognise(start).as_deref(), Some(what));
        }
        for start in [&b""[..], b" \n", b"\0\0\0", b"\x01\x02\x03 binary"] {
            assert_eq!(recognise(start), None, "{start:?}");
        }
    }

    #[test]
    fn file_systems_are_known_from_inside() {
        for (at, magic, what) in MAGIC_INSIDE {
            let mut start = vec![0; LOOKED_AT_INSIDE];
            start[*at..][..magic.len()].copy_from_slice(magic);
            assert_eq!(recognise(&start).as_deref(), Some(*what));
        }
    }
}
