//! The new layer.

use super::plan::{LayerPlan, StripMember};
use super::spool::{SpooledContents, range};
use crate::image::contents::Contents;
use crate::image::{Progress, Sink};
use crate::layer::{EntryKind, Meta};
use crate::ops::look::{Look, Place};
use crate::ops::pipe::{PipeWriter, keep_written};
use crate::ops::remake::both;
use crate::ops::view_tar::ViewTar;
use crate::ops::{Context, Error};
use crate::store::{Quarantine, VerifiedLayer};

/// Writes what stays of a layer, and keeps it.
pub(super) fn write(
    context: &Context,
    look: &Look,
    layer: usize,
    plan: &LayerPlan,
    taken_over: &SpooledContents,
    quarantine: &Quarantine,
    progress: &dyn Progress,
) -> Result<VerifiedLayer, Error> {
    let what = format!("layer {} without what was removed", layer + 1);
    let writer = LayerWriter { context, look, layer, taken_over };
    let write = |mut pipe: PipeWriter| {
        let mut tar = ViewTar::new(Sink::stream(&mut pipe), progress);
        writer.members(&plan.members, &mut tar)?;
        tar.finish()?;
        pipe.end().map_err(|source| Error::Io { what: what.clone(), source })
    };
    let (kept, written) = keep_written(quarantine, &what, &|_| {}, write);
    both(kept, written)
}

struct LayerWriter<'a> {
    context: &'a Context,
    look: &'a Look,
    layer: usize,
    taken_over: &'a SpooledContents,
}

impl LayerWriter<'_> {
    fn members(&self, members: &[StripMember], tar: &mut ViewTar<'_>) -> Result<(), Error> {
        let (layer, names) = (self.layer, &self.look.names);
        let blob = self.look.image.layers[layer].blob.as_ref().expect("a view was made of the layer");
        let mut contents = Contents::open(blob, &self.context.limits).map_err(|error| names.of_layer(layer, error))?;
        let total = members.iter().map(|member| member.entry.size).fold(0, u64::saturating_add);
        tar.start("Rewriting", Some(total));
        for StripMember { entry, taken_over } in members {
            tar.header(&Meta::of(entry))?;
            if entry.kind != EntryKind::File || entry.size == 0 {
                continue;
            }
            let copied = self.context.store.job().check().and_then(|()| {
                if let Some((file, offset)) = taken_over.and_then(|place| self.taken_over.find(place)) {
                    return tar.range_at(file, offset, entry.size);
                }
                let place = Place { layer, offset: entry.content_offset };
                contents.read(range(place, entry), |piece| tar.piece(piece))
            });
            copied.map_err(|error| names.of_content(layer, entry.path.as_bytes(), error))?;
        }
        Ok(())
    }
}
