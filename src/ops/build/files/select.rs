//! What an instruction copies.

use std::sync::Arc;

use super::archive;
use super::download::{fetch, is_url, made};
use super::draft::Draft;
use super::error::CopyError;
use super::mode::ModeChange;
use super::owner::owner;
use super::pick::{Item, Pick, PickFilter, Picker};
use super::place::Placement;
use super::request::{CopyRequest, Layers, Origin, Tools};
use super::tree::{Content, Tree};
use crate::image::progress::Moved;
use crate::layer::EntryKind;
use crate::oci::Digest;
use crate::ops::build::context::{Ignore, Tarball, is_git};
use crate::store::{ContentHashes, Quarantine, VerifiedLayer};

/// The permissions of a file that the Dockerfile itself contains.
const HEREDOC: u32 = 0o664;

/// What an instruction copies, and where to.
pub struct Selection<'a> {
    items: Vec<Item<'a>>,
    placement: Placement,
    instruction: &'static str,
    /// Whether the layer is made as if nothing was below it: `--link`.
    is_linked: bool,
}

/// Finds what an instruction copies. `below` is what the stage has so far: names of owners are looked up there.
pub fn select<'a>(
    origin: Origin<'a>,
    request: &CopyRequest,
    below: Layers<'_>,
    tools: &Tools<'_>,
) -> Result<Selection<'a>, CopyError> {
    check(request)?;
    let placement = Placement {
        destination: destination(request),
        owner: request.chown.as_deref().map(|chown| owner(chown, below)).transpose()?,
        mode: request.chmod.as_deref().map(ModeChange::parse).transpose()?,
        times: tools.times,
    };
    let checksum = request.checksum.as_deref().map(checksum).transpose()?;
    let limit = tools.limits.entries;
    let mut picker = Picker { tree: Tree::of(origin), left: limit, limit };
    let mut items = Vec::new();
    for source in &request.sources {
        if request.is_add && is_url(source) {
            let item = fetch(source, checksum, placement.destination.ends_with(b"/"), tools)?;
            items.push(Item { unpack: request.unpack == Some(true), ..item });
        } else {
            let unpack = request.is_add && request.unpack != Some(false);
            let found = sources(&mut picker, source, request)?;
            items.extend(found.into_iter().map(|item| Item { unpack, ..item }));
        }
    }
    let sizes = items.iter().flat_map(|item| &item.picks).map(|pick| pick.node.size);
    if sizes.fold(0, u64::saturating_add) > tools.limits.unpacked {
        return Err(CopyError::TooLarge { instruction: instruction(request), limit: tools.limits.unpacked });
    }
    for (name, text) in &request.heredocs {
        let content = Content::Bytes(Arc::from(text.as_slice()));
        let node = made(EntryKind::File, HEREDOC, tools.times.made(), text.len() as u64, content);
        let picks = vec![Pick { path: Vec::new(), node }];
        items.push(Item { name: name.clone().into_bytes(), picks, unpack: false });
    }
    Ok(Selection { items, placement, instruction: instruction(request), is_linked: request.link })
}

impl Selection<'_> {
    /// Whether nothing is copied: a pattern matched nothing.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many files, directories and links are copied; those in archives are not counted.
    pub fn len(&self) -> usize {
        self.items.iter().map(|item| item.picks.len()).sum()
    }

    /// The hash of what is copied: paths, types, permissions, owners, targets of links and contents, but no times. Only
    /// files that are not remembered are read.
    pub fn key(&self, hashes: &mut ContentHashes) -> Result<Digest, CopyError> {
        super::key::key(&self.items, self.placement.owner, hashes)
    }

    /// Makes the layer, over what the stage has so far, and keeps it; `what` names it in errors.
    pub fn write(
        &self,
        below: Layers<'_>,
        tools: &Tools<'_>,
        quarantine: &Quarantine,
        what: &str,
        moved: Moved<'_>,
    ) -> Result<VerifiedLayer, CopyError> {
        let nothing = Tarball::empty();
        let nothing = Layers { view: &nothing.view, contents: &nothing.contents, diff_ids: &[] };
        let mut draft = Draft::new(if self.is_linked { nothing } else { below });
        if self.items.len() > 1 && !self.placement.is_directory(&mut draft)? {
            return Err(CopyError::ManyToOne { instruction: self.instruction });
        }
        for item in &self.items {
            let archive = item.picks.first().filter(|_| item.unpack);
            match archive {
                Some(pick) if archive::is_archive(&pick.node, &item.name, tools.limits)? => {
                    archive::unpack(&mut draft, &self.placement, &pick.node, &item.name, tools)?;
                }
                _ => self.placement.place(&mut draft, item)?,
            }
        }
        super::layer::write(&draft, self.placement.times.made(), quarantine, what, moved)
    }
}

/// The sources that a word names.
fn sources<'a>(picker: &mut Picker<'a>, source: &str, request: &CopyRequest) -> Result<Vec<Item<'a>>, CopyError> {
    let mut filter = PickFilter::default();
    if !request.excludes.is_empty() {
        filter.excludes = Some(patterns(&request.excludes)?);
    }
    if !request.parents {
        return picker.sources(source, &filter);
    }
    // What stands before the pivot is where the kept path begins.
    let (base, pattern) = source.split_once("/./").unwrap_or(("/", source));
    let pattern = String::from_utf8_lossy(&super::tree::clean(pattern.as_bytes())).into_owned();
    filter.includes = (!pattern.is_empty()).then(|| patterns(std::slice::from_ref(&pattern))).transpose()?;
    let found = picker.sources(base, &filter)?;
    let is_literal = !pattern.contains(['*', '?', '[', '\\']);
    if is_literal && !pattern.is_empty() && found.iter().all(|item| item.picks.len() < 2) {
        // Nothing but the base itself: the name is looked up for its error.
        picker.sources(&format!("{base}/{pattern}"), &PickFilter::default())?;
    }
    Ok(found)
}

fn patterns(patterns: &[String]) -> Result<Ignore, CopyError> {
    Ignore::of(patterns).map_err(|pattern| CopyError::Pattern { pattern })
}

fn instruction(request: &CopyRequest) -> &'static str {
    if request.is_add { "ADD" } else { "COPY" }
}

/// What is wrong with a request whatever the files are.
fn check(request: &CopyRequest) -> Result<(), CopyError> {
    let instruction = instruction(request);
    let count = request.sources.len() + request.heredocs.len();
    if count == 0 {
        return Err(CopyError::NoSource { instruction });
    }
    let is_directory = request.destination.ends_with('/') || matches!(request.destination.as_str(), "." | "" | "..");
    if count > 1 && !is_directory {
        return Err(CopyError::ManyToOne { instruction });
    }
    for source in &request.sources {
        match () {
            () if !request.is_add && is_url(source) => return Err(CopyError::Url { url: source.clone() }),
            () if request.is_add && is_git_source(source) => return Err(CopyError::Git { url: source.clone() }),
            () => {}
        }
    }
    if request.checksum.is_some() {
        match &request.sources[..] {
            [source] if is_url(source) && request.is_add => {}
            [_] => return Err(CopyError::ChecksumOf { what: "non-HTTP(S) sources" }),
            _ => return Err(CopyError::ChecksumOf { what: "multiple sources" }),
        }
    }
    Ok(())
}

/// Whether a source is a git repository: a name in the context that ends in `.git` is not.
fn is_git_source(source: &str) -> bool {
    let has_scheme = is_url(source) || ["git://", "ssh://", "git@"].iter().any(|start| source.starts_with(start));
    has_scheme && is_git(source)
}

/// The absolute destination. `.` and an empty one are the working directory.
fn destination(request: &CopyRequest) -> Vec<u8> {
    let typed = request.destination.as_str();
    let joined = if typed.starts_with('/') { typed.to_owned() } else { format!("{}/{typed}", request.workdir) };
    let mut path = super::tree::clean(joined.as_bytes());
    let is_directory = typed.ends_with('/') || matches!(typed, "." | "") || typed.ends_with("/.") || path.is_empty();
    if is_directory {
        path.push(b'/');
    }
    path
}

fn checksum(text: &str) -> Result<Digest, CopyError> {
    text.parse().map_err(|_| CopyError::Checksum { checksum: text.to_owned() })
}
