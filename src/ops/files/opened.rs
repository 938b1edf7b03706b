//! An image whose files are shown, as it is or as it was with its lowest layers only.

use crate::image::Progress;
use crate::layer::overlay::{LastLink, Overlay, ViewNode};
use crate::oci::Platform;
use crate::ops::files_error::FilesError;
use crate::ops::look::{self, Look};
use crate::ops::{Context, Error};

/// Which image, and how much of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Which<'a> {
    /// The image, as it was typed.
    pub image: &'a str,
    /// Its platform, if it has several.
    pub platform: Option<&'a Platform>,
    /// The uppermost layer that counts: its number, the lowest being 1, or the beginning of its digest or diff ID.
    pub layer: Option<&'a str>,
}

/// Opens the image. With a layer, its view is the one that this layer and those below make.
pub fn open(context: &Context, which: Which<'_>, progress: &dyn Progress) -> Result<Look, Error> {
    let mut look = Look::open(context, which.image, which.platform, progress)?;
    if let Some(typed) = which.layer {
        let layer = look::layer(&look.image, which.image, typed)?;
        look.view = look.lower(context, layer + 1)?;
    }
    Ok(look)
}

/// What a path leads to; symbolic links are followed inside the image.
pub fn follow<'v>(view: &'v Overlay, path: &[u8], last: LastLink) -> Result<ViewNode<'v>, FilesError> {
    view.follow(path, last).map_err(|source| FilesError::Path { path: path.to_vec(), source })
}

/// Separates an image from a path in it: `ubuntu:14.04:/etc`, `./image.tar:/etc`; a colon at the end says no more than
/// that an image is meant. `exists` says whether a path leads to something, so that file names may contain colons.
pub fn split(typed: &[u8], exists: impl Fn(&[u8]) -> bool) -> (&[u8], Option<&[u8]>) {
    let start = TRANSPORTS.iter().find(|transport| typed.starts_with(transport)).map_or(0, |transport| transport.len());
    if exists(&typed[start..]) {
        return (typed, None);
    }
    if let Some(at) = typed[start..].windows(2).position(|two| two == b":/") {
        return (&typed[..start + at], Some(&typed[start + at + 1..]));
    }
    (typed.strip_suffix(b":").filter(|image| image.len() > start).unwrap_or(typed), None)
}

/// The same for `cp`, where a path need not begin with a slash, as with docker: else what stands behind the last colon
/// is the path.
pub fn split_last(typed: &[u8], exists: impl Fn(&[u8]) -> bool) -> Option<(&[u8], &[u8])> {
    let start = TRANSPORTS.iter().find(|transport| typed.starts_with(transport)).map_or(0, |transport| transport.len());
    match split(typed, &exists) {
        (image, Some(path)) => Some((image, path)),
        _ if exists(&typed[start..]) => None,
        _ => {
            let colon = typed[start..].iter().rposition(|byte| *byte == b':')? + start;
            Some((&typed[..colon], &typed[colon + 1..]))
        }
    }
}

/// What may stand before the place of an image.
const TRANSPORTS: [&[u8]; 4] = [b"docker://", b"docker-archive:", b"oci-archive:", b"oci:"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_and_a_path_in_it() {
        let cases: &[(&str, &str, Option<&str>)] = &[
            ("ubuntu", "ubuntu", None),
            ("ubuntu:", "ubuntu", None),
            ("ubuntu:14.04", "ubuntu:14.04", None),
            ("ubuntu:14.04:", "ubuntu:14.04", None),
            ("ubuntu:14.04:/etc:/x", "ubuntu:14.04", Some("/etc:/x")),
            ("localhost:5000/a:1:/etc", "localhost:5000/a:1", Some("/etc")),
            ("docker://localhost:5000/a:/", "docker://localhost:5000/a", Some("/")),
            ("oci:/x/y:tag:/etc", "oci:/x/y:tag", Some("/etc")),
            ("./a.tar:/etc", "./a.tar", Some("/etc")),
            ("./odd:/a.tar", "./odd:/a.tar", None),
            ("oci:", "oci:", None),
        ];
        for (typed, image, path) in cases {
            let found = split(typed.as_bytes(), |path| path == b"./odd:/a.tar");
            assert_eq!(found, (image.as_bytes(), path.map(str::as_bytes)), "{typed}");
        }
    }
}
