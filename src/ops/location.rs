//! Arguments that refer to images: a name in the store, or an archive or layout.

use std::path::{Path, PathBuf};

/// Which image of an archive or layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// The only one.
    Only,
    /// The one of that name.
    Name(String),
    /// The one at that place, beginning with 0.
    At(usize),
}

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In the store, by name or id.
    Store(String),
    /// In a docker-archive, which must have a `manifest.json`.
    DockerArchive(PathBuf, Pick),
    /// In an OCI archive, which must have an `index.json`.
    OciArchive(PathBuf, Pick),
    /// In an OCI layout folder.
    Layout(PathBuf, Pick),
    /// In an archive of any kind, or a layout.
    Path(PathBuf, Pick),
    /// In a registry, by name.
    Registry(String),
}

/// A constructor of locations from a path.
type Kind = fn(PathBuf, Pick) -> Location;

impl Location {
    /// Reads what was typed: skopeo's `docker-archive:PATH[:REF|:@N]`, `oci-archive:PATH[:REF]`, `oci:DIR[:REF]`,
    /// `docker://REF`; a path that begins with `/`, `./` or `../`, with the same additions; else a name. `exists` says whether a path
    /// leads to something, so that file names may contain colons.
    pub fn parse(typed: &str, exists: impl Fn(&Path) -> bool) -> Self {
        if let Some(name) = typed.strip_prefix("docker://") {
            return Self::Registry(name.to_owned());
        }
        let kinds: [(&str, Kind); 3] =
            [("docker-archive:", Self::DockerArchive), ("oci-archive:", Self::OciArchive), ("oci:", Self::Layout)];
        for (prefix, kind) in kinds {
            if let Some(rest) = typed.strip_prefix(prefix) {
                let (path, pick) = split(rest, exists);
                return kind(path, pick);
            }
        }
        let is_path = typed == "." || typed == ".." || ["/", "./", "../"].iter().any(|start| typed.starts_with(start));
        if !is_path {
            return Self::Store(typed.to_owned());
        }
        let (path, pick) = split(typed, exists);
        Self::Path(path, pick)
    }

    /// The archive or folder, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Store(_) | Self::Registry(_) => None,
            Self::DockerArchive(path, _) | Self::OciArchive(path, _) | Self::Layout(path, _) | Self::Path(path, _) => {
                Some(path)
            }
        }
    }

    /// The name, if it is one.
    pub fn name(&self) -> &str {
        match self {
            Self::Store(name) | Self::Registry(name) => name,
            _ => "",
        }
    }

    /// Which image of it.
    pub fn pick(&self) -> &Pick {
        match self {
            Self::Store(_) | Self::Registry(_) => &Pick::Only,
            Self::DockerArchive(_, pick) | Self::OciArchive(_, pick) | Self::Layout(_, pick) | Self::Path(_, pick) => {
                pick
            }
        }
    }
}

/// The path, and what follows the first colon that ends an existing path.
fn split(text: &str, exists: impl Fn(&Path) -> bool) -> (PathBuf, Pick) {
    if exists(Path::new(text)) {
        return (PathBuf::from(text), Pick::Only);
    }
    let colons: Vec<usize> = text.match_indices(':').map(|(at, _)| at).collect();
    let existing = colons.iter().find(|at| exists(Path::new(&text[..**at])));
    let Some(&at) = existing.or(colons.first()) else {
        return (PathBuf::from(text), Pick::Only);
    };
    let (path, rest) = (&text[..at], &text[at + 1..]);
    let pick = match rest.strip_prefix('@').map(str::parse) {
        Some(Ok(place)) => Pick::At(place),
        _ if rest.is_empty() => Pick::Only,
        _ => Pick::Name(rest.to_owned()),
    };
    (PathBuf::from(path), pick)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(typed: &str) -> Location {
        Location::parse(typed, |path| ["/x/y.tar", "./a:b.tar", "dir"].contains(&path.to_str().unwrap_or_default()))
    }

    #[test]
    fn what_was_typed() {
        let name = |text: &str| Pick::Name(text.to_owned());
        let cases = [
            ("ubuntu:14.04", Location::Store("ubuntu:14.04".to_owned())),
            ("out.tar", Location::Store("out.tar".to_owned())),
            ("/x/y.tar", Location::Path("/x/y.tar".into(), Pick::Only)),
            ("/x/y.tar:a/b:1", Location::Path("/x/y.tar".into(), name("a/b:1"))),
            ("/x/y.tar:@2", Location::Path("/x/y.tar".into(), Pick::At(2))),
            ("./a:b.tar", Location::Path("./a:b.tar".into(), Pick::Only)),
            ("./a:b.tar:c", Location::Path("./a:b.tar".into(), name("c"))),
            ("./nothing.tar:c", Location::Path("./nothing.tar".into(), name("c"))),
            ("docker://ubuntu", Location::Registry("ubuntu".to_owned())),
            ("oci:dir:tag", Location::Layout("dir".into(), name("tag"))),
            ("oci:dir", Location::Layout("dir".into(), Pick::Only)),
            ("oci-archive:z.tar", Location::OciArchive("z.tar".into(), Pick::Only)),
            ("docker-archive:/x/y.tar:@0", Location::DockerArchive("/x/y.tar".into(), Pick::At(0))),
            ("docker-archive:/x/y.tar:@digest", Location::DockerArchive("/x/y.tar".into(), name("@digest"))),
        ];
        for (typed, location) in cases {
            assert_eq!(parse(typed), location, "{typed}");
        }
    }
}
