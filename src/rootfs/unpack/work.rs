//! Creates everything but directories, with several threads.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;

use super::content;
use super::make::MadePath;
use super::unpacker::Unpacker;
use crate::image::work::{for_each, threads};
use crate::layer::overlay::ViewNode;
use crate::rootfs::Error;
use crate::rootfs::beneath::Parents;

/// A unit of work for a thread.
enum Job<'a> {
    /// Adjacent names, whose contents are read by random access.
    Names(Vec<ViewNode<'a>>),
    /// The files of a layer that is read sequentially, in the order of their contents.
    Stream(usize, Vec<ViewNode<'a>>),
}

/// How many names make one job: enough that threads rarely open the same directories.
const NAMES: usize = 512;
/// How many layers a thread keeps open: an image of a thousand layers must not exhaust the process's file descriptors.
const OPEN_LAYERS: usize = 32;

type Made = Vec<(usize, MadePath)>;

/// Creates everything but directories and further names of files; the stat of each goes to its index in `found`.
pub(super) fn leaves(unpacker: &Unpacker<'_>, found: &mut [Option<MadePath>]) -> Result<(), Error> {
    let jobs = jobs(unpacker);
    let bytes = unpacker.nodes().filter(|node| !node.is_further_name()).map(|node| node.size()).sum();
    unpacker.progress.total(Some(bytes));
    unpacker.progress.start(0, "Unpacking", Some(bytes));
    let made = for_each(&jobs, threads(), |_, job| match job {
        Job::Names(nodes) => names(unpacker, nodes),
        Job::Stream(layer, nodes) => stream(unpacker, *layer, nodes),
    });
    unpacker.progress.finish(0, "");
    for (id, leaf) in made?.into_iter().flatten() {
        found[id] = Some(leaf);
    }
    Ok(())
}

/// The jobs, the longest first, as streams cannot be divided.
fn jobs<'a>(unpacker: &Unpacker<'a>) -> Vec<Job<'a>> {
    let mut streams: Vec<Vec<ViewNode<'a>>> = Vec::new();
    let mut names: Vec<Vec<ViewNode<'a>>> = Vec::new();
    for node in unpacker.nodes().filter(|node| !node.is_directory() && !node.is_further_name()) {
        match node.source().filter(|source| source.stored() > 0 && !unpacker.layers.is_plain(source.layer)) {
            Some(source) => {
                if streams.len() <= source.layer {
                    streams.resize(source.layer + 1, Vec::new());
                }
                streams[source.layer].push(node);
            }
            None => match names.last_mut() {
                Some(last) if last.len() < NAMES => last.push(node),
                _ => names.push(vec![node]),
            },
        }
    }
    let mut jobs = Vec::new();
    for (layer, mut nodes) in streams.into_iter().enumerate().filter(|(_, nodes)| !nodes.is_empty()) {
        nodes.sort_by_key(|node| node.source().map(|source| source.content_offset));
        jobs.push(Job::Stream(layer, nodes));
    }
    jobs.sort_by_key(|job| match job {
        Job::Stream(_, nodes) => std::cmp::Reverse(nodes.iter().map(ViewNode::size).sum::<u64>()),
        Job::Names(_) => std::cmp::Reverse(0),
    });
    jobs.extend(names.into_iter().map(Job::Names));
    jobs
}

fn names(unpacker: &Unpacker<'_>, nodes: &[ViewNode<'_>]) -> Result<Made, Error> {
    let (maker, mut parents, mut buffer) = (unpacker.maker(), Parents::new(unpacker.root), Vec::new());
    let mut layers = HashMap::new();
    let mut made = Made::with_capacity(nodes.len());
    for node in nodes {
        let path = node.path_bytes();
        unpacker.job.check().map_err(Error::at(&path))?;
        let (parent, name) = parents.of(&path).map_err(Error::at(&path))?;
        // A file without content may belong to a layer that is not read here.
        let found = match node.source().filter(|source| source.size > 0) {
            Some(source) => {
                let layer = source.layer;
                if layers.len() >= OPEN_LAYERS {
                    layers.clear();
                }
                let contents = match layers.entry(layer) {
                    Entry::Occupied(open) => open.into_mut(),
                    Entry::Vacant(new) => {
                        new.insert(unpacker.layers.open(layer).map_err(|source| Error::Layer { layer, source })?)
                    }
                };
                let write = |file: &File| content::write(contents, source, file, &mut buffer, unpacker.job);
                maker.file(parent, name, *node, write).map_err(Error::in_layer(layer, &path))?
            }
            None => maker.other(parent, name, *node).map_err(Error::at(&path))?,
        };
        made.push((node.id(), found));
        unpacker.progress.advance(0, node.size());
    }
    Ok(made)
}

fn stream(unpacker: &Unpacker<'_>, layer: usize, nodes: &[ViewNode<'_>]) -> Result<Made, Error> {
    let (maker, mut parents, mut buffer) = (unpacker.maker(), Parents::new(unpacker.root), Vec::new());
    let mut contents = unpacker.layers.open(layer).map_err(|source| Error::Layer { layer, source })?;
    let mut made = Made::with_capacity(nodes.len());
    for node in nodes {
        let Some(source) = node.source() else { continue };
        let path = node.path_bytes();
        unpacker.job.check().map_err(Error::at(&path))?;
        let (parent, name) = parents.of(&path).map_err(Error::at(&path))?;
        let write = |file: &File| content::write(&mut contents, source, file, &mut buffer, unpacker.job);
        let found = maker.file(parent, name, *node, write).map_err(Error::in_layer(layer, &path))?;
        made.push((node.id(), found));
        unpacker.progress.advance(0, node.size());
    }
    Ok(made)
}
