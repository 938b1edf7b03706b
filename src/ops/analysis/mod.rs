//! What takes the space of an image, and what of it could go: `analyze`, and a part of `report`.
//!
//! ```text
//! layers ─▶ entries ─┬─▶ trees ───▶ dive        dive's figures, by dive's formulas
//!                    ├─▶ written ─▶ rules       known waste by step, and what was deleted too late
//!                    └─▶ duplicates             the same content several times, by the checksums of the indexes
//! view ──────────────────▶ largest              files and directories
//! ```
//!
//! Nothing is read but the layer indexes.

pub mod ci;
pub mod dive_ci_file;
pub mod export;

mod dive;
mod duplicates;
mod largest;
mod paths;
mod rules;
mod steps;
mod trees;
mod written;

pub use dive::{Figures, Inefficient};
pub use duplicates::Duplicate;
pub use largest::Large;
pub use rules::Rule;
pub use steps::{Step, StepKind};
pub use written::{Deleted, Waste};

use std::collections::HashMap;

use super::look::Look;
use super::{Context, Error, FilesError};
use crate::oci::DiffId;

/// What takes the space of an image, and what of it could go.
#[derive(Debug)]
pub struct Analysis {
    /// dive's figures.
    pub figures: Figures,
    /// Its layers, the lowest first.
    pub layers: Vec<AnalyzedLayer>,
    /// The size of its files as a container sees them.
    pub visible: u64,
    /// How many bytes of files are in a layer, but hidden by later ones: deleted, or written again.
    pub hidden: u64,
    /// Files that a later layer deleted, the largest first.
    pub deleted: Vec<Deleted>,
    /// What images need not carry, by layer, the largest first.
    pub waste: Vec<Waste>,
    /// Files with the same content, those that waste most first.
    pub duplicates: Vec<Duplicate>,
    /// The largest files.
    pub large_files: Vec<Large>,
    /// The largest directories.
    pub large_directories: Vec<Large>,
    trees: trees::Trees,
}

/// A layer that was analyzed.
#[derive(Debug, Clone)]
pub struct AnalyzedLayer {
    /// Its diff ID.
    pub diff_id: DiffId,
    /// What made it.
    pub step: Step,
    /// The sizes of its files.
    pub size: u64,
    /// How many files it has.
    pub files: u64,
}

impl Analysis {
    /// Analyzes an image. At most `most` of the largest files and directories are kept.
    pub fn of(context: &Context, look: &Look, most: usize) -> Result<Self, Error> {
        let (mut builder, mut history) = (trees::Builder::new(), written::History::default());
        let mut copies = duplicates::Copies::default();
        let too_many =
            |paths::TooManyPaths| FilesError::TooManyPaths { image: look.found.shown(), limit: paths::MOST_PATHS };
        for layer in 0..look.image.layers.len() {
            context.store.job().check().map_err(|source| Error::Io { what: look.found.shown(), source })?;
            let entries = look.entries(context, layer)?;
            let ids = builder.add(&entries).map_err(too_many)?;
            history.add(layer, &entries, &ids, builder.paths());
            copies.add(layer, &entries, &ids);
        }
        let trees = builder.finish();
        let layers = steps::steps(&look.image).into_iter().zip(&look.image.layers).zip(&trees.layers);
        let layers = layers.map(|((step, layer), tree)| AnalyzedLayer {
            diff_id: layer.diff_id,
            step,
            size: tree.size,
            files: tree.files,
        });
        let (large_files, large_directories) = largest::largest(&look.view, most);
        let (mut deleted, mut waste) = (history.deleted, history.waste);
        deleted.sort_by_key(|deleted| std::cmp::Reverse(deleted.size));
        waste.retain(|waste| waste.size > 0);
        waste.sort_by_key(|waste| std::cmp::Reverse(waste.size));
        let lost = deleted.iter().map(|deleted| deleted.size).fold(history.replaced, u64::saturating_add);
        Ok(Self {
            figures: Figures::of(&trees),
            layers: layers.collect(),
            visible: look.view.iter().filter(|node| !node.is_further_name()).map(|node| node.size()).sum(),
            hidden: lost,
            deleted,
            waste,
            duplicates: copies.duplicates(&trees.paths),
            large_files,
            large_directories,
            trees,
        })
    }

    /// The files that several layers wrote: their paths, and these layers.
    pub fn written_by_several(&self) -> HashMap<Vec<u8>, Vec<usize>> {
        let leaves = || {
            let trees = self.trees.layers.iter().enumerate();
            trees.flat_map(|(layer, tree)| {
                tree.nodes.iter().filter(|node| node.is_leaf).map(move |node| (layer, node.id))
            })
        };
        let mut counts = vec![0_u16; self.trees.paths.len()];
        for (_, id) in leaves() {
            counts[id as usize] += 1;
        }
        let mut layers: HashMap<paths::Id, Vec<usize>> = HashMap::new();
        for (layer, id) in leaves().filter(|(_, id)| counts[*id as usize] > 1) {
            layers.entry(id).or_default().push(layer);
        }
        layers.into_iter().map(|(id, layers)| (self.trees.paths.path(id), layers)).collect()
    }

    /// What it is, of some waste.
    pub fn what(&self, waste: &Waste) -> &'static str {
        rules::RULES[waste.rule].what
    }

    /// What to write instead of the step that brought some waste.
    pub fn instead(&self, waste: &Waste) -> String {
        let step = &self.layers[waste.layer].step;
        if waste.hidden > 0 && waste.hidden == waste.size {
            return "delete it in the step that writes it: later it makes the image no smaller".to_owned();
        }
        rules::RULES[waste.rule].instead(step)
    }
}

#[cfg(test)]
mod tests;
