//! What `cargo auditable` writes into programs: the section `.dep-v0`, JSON that is compressed with zlib.
//! <https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md>.

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use serde::Deserialize;

use super::{Kind, Package, Unreadable, collect, elf};

const SECTION: &[u8] = b".dep-v0";
/// The most MiB that the list unpacks to; 1,000 crates take 0.2.
const MOST: u64 = 8;
/// Crates that only ran while the program was built are not in it.
const ONLY_BUILT: &str = "build";

#[derive(Deserialize)]
struct List {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    #[serde(default)]
    kind: String,
}

/// The crates that a program is made of; none if it does not say.
pub fn crates(bytes: &[u8]) -> Result<Vec<Package>, Unreadable> {
    let Some(section) = elf::section(bytes, SECTION) else { return Ok(Vec::new()) };
    let wrong = Unreadable::Not("a program with a list of crates that can be read");
    let mut json = Vec::new();
    ZlibDecoder::new(section).take((MOST << 20) + 1).read_to_end(&mut json).map_err(|_| wrong)?;
    if json.len() as u64 > MOST << 20 {
        return Err(Unreadable::Unpacked(MOST));
    }
    let list: List = serde_json::from_slice(&json).map_err(|_| wrong)?;
    let built = list.packages.into_iter().filter(|one| one.kind != ONLY_BUILT && !one.name.is_empty());
    collect(built.map(|one| Package::new(Kind::Cargo, one.name, one.version, "")))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn crates_are_listed_and_bombs_are_not() {
        let json = br#"{"packages":[{"name":"adler","version":"0.2.3","source":"crates.io"},
            {"name":"cc","version":"1","source":"crates.io","kind":"build"},
            {"name":"me","version":"0.1.0","source":"local","dependencies":[0],"root":true}]}"#;
        let program = |content: &[u8]| elf::tests::program(".dep-v0", &zlib(content));
        let package = |name, version| Package::new(Kind::Cargo, name, version, "");
        assert_eq!(crates(&program(json)), Ok(vec![package("adler", "0.2.3"), package("me", "0.1.0")]));
        assert_eq!(crates(&program(&vec![b' '; 9 << 20])), Err(Unreadable::Unpacked(MOST)));
        assert!(crates(&program("[".repeat(100_000).as_bytes())).is_err());
        assert!(crates(&elf::tests::program(".dep-v0", b"no zlib")).is_err());
        assert_eq!(crates(&elf::tests::program(".text", b"")), Ok(vec![]));
    }
}
