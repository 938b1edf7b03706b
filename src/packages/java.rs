//! Jars, wars and ears of Java: what Maven leaves in `META-INF/maven`, and else the manifest and the name of the file.
//! Jars in jars, as Spring Boot packs them, are read too.

use super::{Kind, MOST_PACKAGES, Package, Unreadable, text, zip};

/// How deep jars may be in each other: an ear has wars, which have jars.
const MOST_LEVELS: usize = 3;
/// The most MiB that all jars in one jar unpack to together.
const MOST_NESTED: u64 = 512;
/// The largest `pom.properties` or manifest, in bytes.
const MOST_PROPERTIES: u64 = 1 << 20;
/// The most bytes that all of these in one jar unpack to together.
const MOST_ALL_PROPERTIES: u64 = 64 << 20;
/// The endings of the names of jars.
const ENDINGS: [&[u8]; 4] = [b".jar", b".war", b".ear", b".hpi"];

/// A package, and the jar in the jar that it is in: `BOOT-INF/lib/a.jar`, empty for the jar itself.
pub type InJar = (Package, Vec<u8>);

/// Whether a file has the name of a jar.
pub fn is_jar(name: &[u8]) -> bool {
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// The packages in a jar with this file name.
pub fn packages(name: &[u8], bytes: &[u8]) -> Result<Vec<InJar>, Unreadable> {
    let mut jars = Jars { found: Vec::new(), left: MOST_NESTED << 20, properties: MOST_ALL_PROPERTIES };
    jars.read(name, bytes, &[], 0)?;
    Ok(jars.found)
}

struct Jars {
    found: Vec<InJar>,
    /// How many bytes jars in the jar may still unpack to.
    left: u64,
    properties: u64,
}

impl Jars {
    fn read(&mut self, name: &[u8], bytes: &[u8], at: &[u8], level: usize) -> Result<(), Unreadable> {
        let members = zip::members(bytes).ok_or(Unreadable::Not("a zip archive"))?;
        let (mut by_maven, mut manifest) = (Vec::new(), None);
        for member in members {
            if is_pom(member.name) {
                by_maven.extend(pom(&self.small(member)?));
            } else if member.name == b"META-INF/MANIFEST.MF" {
                manifest = Some(self.small(member)?);
            } else if is_jar(member.name) && level < MOST_LEVELS {
                self.nested(member, at, level)?;
            }
            if self.found.len() + by_maven.len() > MOST_PACKAGES {
                return Err(Unreadable::TooMany);
            }
        }
        if by_maven.is_empty() {
            by_maven.extend(by_name(name, manifest.as_deref().unwrap_or_default()));
        }
        // Each has the path of its jar.
        self.take((by_maven.len() * at.len()) as u64)?;
        self.found.extend(by_maven.into_iter().map(|package| (package, at.to_vec())));
        Ok(())
    }

    fn small(&mut self, member: zip::Member<'_>) -> Result<Vec<u8>, Unreadable> {
        let content = member.content(MOST_PROPERTIES);
        // What was too large has taken the time.
        self.take(content.as_ref().map_or(MOST_PROPERTIES, |content| content.len() as u64))?;
        Ok(content.unwrap_or_default().into_owned())
    }

    fn take(&mut self, bytes: u64) -> Result<(), Unreadable> {
        let left = self.properties.checked_sub(bytes);
        self.properties = left.ok_or(Unreadable::Unpacked(MOST_ALL_PROPERTIES >> 20))?;
        Ok(())
    }

    fn nested(&mut self, member: zip::Member<'_>, at: &[u8], level: usize) -> Result<(), Unreadable> {
        // One that is stored takes no memory, but reading it again and again takes time.
        let content = member.content(self.left).ok_or(Unreadable::Unpacked(MOST_NESTED))?;
        self.left -= content.len() as u64;
        let at = if at.is_empty() { member.name.to_vec() } else { [at, b"!", member.name].concat() };
        let name = member.name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        match self.read(name, &content, &at, level + 1) {
            // What only has the name of a jar keeps nobody from the others.
            Err(Unreadable::Not(_)) => Ok(()),
            other => other,
        }
    }
}

/// Whether it is `META-INF/maven/GROUP/ARTIFACT/pom.properties`.
fn is_pom(name: &[u8]) -> bool {
    name.starts_with(b"META-INF/maven/") && name.ends_with(b"/pom.properties")
}

fn pom(bytes: &[u8]) -> Option<Package> {
    let value = |key: &[u8]| {
        bytes.split(|byte| *byte == b'\n').find_map(|line| {
            let value = line.trim_ascii().strip_prefix(key)?.trim_ascii_start().strip_prefix(b"=")?;
            Some(text(value)).filter(|value| !value.is_empty())
        })
    };
    let name = format!("{}:{}", value(b"groupId")?, value(b"artifactId")?);
    Some(Package::new(Kind::Maven, name, value(b"version").unwrap_or_default(), ""))
}

/// What the name of the file says (`slf4j-api-2.0.9.jar`), and where it says no version, the manifest.
fn by_name(file: &[u8], manifest: &[u8]) -> Option<Package> {
    let dot = file.iter().rposition(|byte| *byte == b'.')?;
    let stem = text(&file[..dot]);
    let dashes = stem.match_indices('-').map(|(at, _)| at);
    let split = dashes.into_iter().find(|at| stem[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    let (name, version) = split.map_or((&*stem, ""), |at| (&stem[..at], &stem[at + 1..]));
    let value = |key: &str| {
        let lines = manifest.split(|byte| *byte == b'\n');
        lines.filter_map(|line| line.trim_ascii().strip_prefix(key.as_bytes())).map(text).find(|text| !text.is_empty())
    };
    let said = || value("Implementation-Version:").or_else(|| value("Bundle-Version:"));
    let version = if version.is_empty() { said().unwrap_or_default() } else { version.to_owned() };
    // A jar that nobody gave a version is the program itself.
    (!name.is_empty() && !version.is_empty()).then(|| Package::new(Kind::Maven, name, version, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::zip::tests::zip;

    fn pom_of(version: &str) -> Vec<u8> {
        format!("#Generated\r\nversion={version}\r\ngroupId=org.x\r\nartifactId=a-b\r\n").into_bytes()
    }

    #[test]
    fn jars_in_jars_are_read() {
        let inner = zip(&[("META-INF/maven/org.x/a-b/pom.properties", &pom_of("1.2"))]);
        let plain = zip(&[("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\r\nBundle-Version: 3.1\r\n")]);
        let outer = zip(&[
            ("META-INF/MANIFEST.MF", b"Implementation-Version: 9\n"),
            ("BOOT-INF/lib/a.jar", &inner),
            ("BOOT-INF/lib/slf4j-api-2.0.9.jar", &plain),
            ("BOOT-INF/lib/osgi.jar", &plain),
            ("BOOT-INF/lib/broken.jar", b"no zip"),
        ]);
        let java = |name, version, at: &str| (Package::new(Kind::Maven, name, version, ""), at.as_bytes().to_vec());
        let expected = vec![
            java("org.x:a-b", "1.2", "BOOT-INF/lib/a.jar"),
            java("slf4j-api", "2.0.9", "BOOT-INF/lib/slf4j-api-2.0.9.jar"),
            java("osgi", "3.1", "BOOT-INF/lib/osgi.jar"),
            java("app", "9", ""),
        ];
        assert_eq!(packages(b"app.jar", &outer), Ok(expected));
        assert!(packages(b"a.jar", b"no zip").is_err());
    }

    #[test]
    fn many_entries_of_one_bomb_end() {
        let zeros = vec![0; (1 << 20) + 1];
        let many = ["META-INF/MANIFEST.MF"; 4].map(|name| (name, &zeros[..]));
        let mut jars = Jars { found: Vec::new(), left: 0, properties: 3 << 20 };
        let many = jars.read(b"a-1.jar", &zip(&many), &[], 0);
        assert_eq!(many, Err(Unreadable::Unpacked(MOST_ALL_PROPERTIES >> 20)));
        let pom = pom_of("1");
        let inner: Vec<(&str, &[u8])> =
            (0..2000).map(|_| ("META-INF/maven/org.x/a-b/pom.properties", &pom[..])).collect();
        let long = format!("{}.jar", "x".repeat(60_000));
        assert!(packages(b"a-1.jar", &zip(&[(&long, &zip(&inner))])).is_err(), "2,000 paths of 60,000 bytes");
    }

    #[test]
    fn bombs_end() {
        let mut jar = zip(&[("x", b"")]);
        for _ in 0..10 {
            jar = zip(&[("a-1.jar", &jar), ("b-1.jar", &jar)]);
        }
        let found = packages(b"deep-1.jar", &jar).expect("a jar");
        assert_eq!(found.len(), 1 + 2 + 4 + 8, "{found:?}");
        let zeros = zip(&[("z.jar", &vec![0; 1 << 20])]);
        let bomb: Vec<(&str, &[u8])> = (0..20).map(|_| ("y.jar", &zeros[..])).collect();
        let mut jars = Jars { found: Vec::new(), left: 5 << 20, properties: 1 << 20 };
        assert_eq!(jars.read(b"bomb.jar", &zip(&bomb), &[], 0), Err(Unreadable::Unpacked(MOST_NESTED)));
        assert!(jars.left < 1 << 20, "all that may be unpacked was");
    }
}
