//! Extension headers, which precede their member: PAX headers and GNU's long names.

use super::error::HeaderProblem;
use super::header::TarHeader;
use super::number::until_nul;
use super::pax::Pax;
use super::raw::{RawEntry, RawKind};
use super::sparse::{self, Form};
use crate::layer::limits::Limits;
use crate::layer::mtime::Mtime;

/// The extension headers of a member; of each kind the last counts, as in Go's archive/tar.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    pax: Option<Pax>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl Extensions {
    /// Whether a header of this type is an extension rather than a member.
    pub(super) fn is_one(typeflag: u8) -> bool {
        matches!(typeflag, b'x' | b'g' | b'L' | b'K')
    }

    /// The name of an extension, and its size limit.
    pub(super) fn limit(typeflag: u8, limits: &Limits) -> (&'static str, u64) {
        match typeflag {
            b'L' | b'K' => ("long name", limits.long_name),
            _ => ("PAX header", limits.pax_block),
        }
    }

    /// Takes an extension's content.
    pub(super) fn take(&mut self, typeflag: u8, content: &[u8]) -> Result<(), HeaderProblem> {
        match typeflag {
            b'L' => self.long_name = Some(until_nul(content).to_vec()),
            b'K' => self.long_link = Some(until_nul(content).to_vec()),
            b'x' => self.pax = Some(Pax::parse(content)?),
            // Go returns a global header as a member, so it must not follow other extensions, and applies to no later
            // member.
            _ => drop((Pax::parse(content)?, self.none_left()?)),
        }
        Ok(())
    }

    /// Refuses extensions that no member follows.
    pub(super) fn none_left(&self) -> Result<(), HeaderProblem> {
        let none = self.pax.is_none() && self.long_name.is_none() && self.long_link.is_none();
        if none { Ok(()) } else { Err(HeaderProblem::Dangling) }
    }

    /// The PAX header of a sparse file, and the format of its map.
    pub(super) fn sparse(&self) -> Option<(Form, &Pax)> {
        let pax = self.pax.as_ref()?;
        Some((sparse::form(pax)?, pax))
    }

    /// The member with this header, extensions applied.
    pub(super) fn apply(&self, header: TarHeader, header_offset: u64) -> Result<RawEntry, HeaderProblem> {
        let none = Pax::default();
        let pax = self.pax.as_ref().unwrap_or(&none);
        for unused in ["atime", "ctime"] {
            pax.time(unused)?;
        }
        let name = text(pax.get("path"), self.long_name.as_deref(), header.name);
        let kind = RawKind::of(header.typeflag, &name);
        let size = pax.number("size")?.unwrap_or(header.size);
        let size = if header.size < 0 { header.size } else { size };
        let size = u64::try_from(size).map_err(|_| HeaderProblem::NegativeSize)?;
        let size = if kind.has_content() { size } else { 0 };
        Ok(RawEntry {
            kind,
            typeflag: header.typeflag,
            link_name: text(pax.get("linkpath"), self.long_link.as_deref(), header.link_name),
            mode: header.mode,
            uid: pax.number("uid")?.unwrap_or(header.uid),
            gid: pax.number("gid")?.unwrap_or(header.gid),
            mtime: pax.time("mtime")?.unwrap_or(Mtime { seconds: header.mtime, nanos: 0 }),
            size,
            device_major: header.device_major,
            device_minor: header.device_minor,
            xattrs: pax.xattrs(),
            header_offset,
            content_offset: 0, // known when a sparse map has been read
            stored_size: size,
            sparse: None,
            name,
        })
    }
}

/// A name: GNU's long name takes precedence over PAX's, as in Go, and both over the header's.
fn text(pax: Option<&[u8]>, long: Option<&[u8]>, short: Vec<u8>) -> Vec<u8> {
    match (long, pax) {
        (Some(long), _) if !long.is_empty() => long.to_vec(),
        (_, Some(pax)) => pax.to_vec(),
        _ => short,
    }
}
