//! What Go's linker writes into programs, since Go 1.18: <https://pkg.go.dev/debug/buildinfo>.
//!
//! ```text
//! "\xff Go buildinf:" u8 size of a pointer, u8 flags, 16 bytes       32 bytes, at a multiple of 16
//! varint size, version of Go   varint size, modules                  if flags & 2
//! ```

use super::{Kind, Package, Unreadable, collect, elf};

const MAGIC: &[u8] = b"\xff Go buildinf:";
const SECTION: &[u8] = b".go.buildinfo";
/// The version and the modules follow as they are; before Go 1.18 there were pointers to them.
const INLINE: u8 = 2;
const HEAD: usize = 32;
const ALIGN: usize = 16;
/// The list of modules stands between marks of this size.
const MARK: usize = 16;
/// What Go calls a version that it does not know.
const UNKNOWN: &str = "(devel)";

/// The modules that a program is made of, and Go's standard library; none if Go did not make it, or before 1.18.
pub fn modules(bytes: &[u8]) -> Result<Vec<Package>, Unreadable> {
    let Some((version, modules)) = info(bytes) else { return Ok(Vec::new()) };
    let arch = modules.lines().find_map(|line| line.strip_prefix("build\tGOARCH=")).unwrap_or_default();
    let version = version.strip_prefix("go").unwrap_or(&version);
    let library = Package::new(Kind::Go, "stdlib", version.split(' ').next().unwrap_or_default(), arch);
    let mut found: Vec<Module<'_>> = Vec::new();
    for line in modules.lines() {
        let mut words = line.split('\t');
        let (kind, path, version) = (words.next(), words.next(), words.next());
        let (Some(path), version) = (path.filter(|path| !path.is_empty()), version.unwrap_or_default()) else {
            continue;
        };
        match kind {
            Some("mod" | "dep") => found.push(Module { path, version }),
            // It is compiled in place of the one before.
            Some("=>") => {
                found.pop();
                found.push(Module { path, version });
            }
            _ => {}
        }
    }
    let package = |module: Module<'_>| {
        let version = if module.version == UNKNOWN { "" } else { module.version };
        Package::new(Kind::Go, module.path, version, arch)
    };
    collect(std::iter::once(library).chain(found.into_iter().map(package)))
}

struct Module<'a> {
    path: &'a str,
    version: &'a str,
}

/// The version of Go, and the list of modules.
fn info(bytes: &[u8]) -> Option<(String, String)> {
    let rest = match elf::section(bytes, SECTION) {
        Some(section) if section.starts_with(MAGIC) => section,
        // Some linkers give it no section of its own.
        _ => {
            let at = bytes.chunks_exact(ALIGN).position(|chunk| chunk.starts_with(MAGIC))?;
            &bytes[at * ALIGN..]
        }
    };
    if rest.get(MAGIC.len() + 1)? & INLINE == 0 {
        return None;
    }
    let (version, rest) = string(rest.get(HEAD..)?)?;
    let (modules, _) = string(rest)?;
    let inner = modules.get(MARK..modules.len().checked_sub(MARK)?).unwrap_or_default();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Some((text(version), text(inner)))
}

/// Bytes behind their number, and what follows.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut size = 0_u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        size |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let rest = &bytes[at + 1..];
            return rest.split_at_checked(usize::try_from(size).ok()?);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buildinfo(modules: &str) -> Vec<u8> {
        let modules = format!("0123456789abcdef{modules}0123456789abcdef");
        let mut bytes = [MAGIC, &[8, INLINE], &[0; 16]].concat();
        for text in ["go1.22.1 X:nocoverageredesign", &modules] {
            let size = text.len();
            bytes.extend([u8::try_from(size & 0x7f).expect("7 bits") | 0x80, u8::try_from(size >> 7).expect("short")]);
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    #[test]
    fn modules_are_replaced() {
        let info = buildinfo(
            "path\ta.io/cmd\nmod\ta.io\t(devel)\t\ndep\tb.io/x\tv1.0.0\th1:\n=>\tc.io/x\tv1.0.1\th1:\n\
             dep\td.io\tv2.0.0\nbuild\tGOARCH=arm64\n",
        );
        let go = |name, version| Package::new(Kind::Go, name, version, "arm64");
        let expected = Ok(vec![go("stdlib", "1.22.1"), go("a.io", ""), go("c.io/x", "v1.0.1"), go("d.io", "v2.0.0")]);
        assert_eq!(modules(&elf::tests::program(".go.buildinfo", &info)), expected);
        assert_eq!(modules(&elf::tests::program(".data", &info)), expected, "found without its section");
        for end in 0..info.len() {
            assert_eq!(modules(&elf::tests::program(".go.buildinfo", &info[..end])), Ok(vec![]), "{end}");
        }
    }
}
