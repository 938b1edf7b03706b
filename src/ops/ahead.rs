//! Reads the indexes of layers in one thread while another merges what was read: each takes about as long.

use std::rc::Rc;
use std::sync::mpsc::{Receiver, sync_channel};

use crate::layer::{Entry, IndexError};

/// How many entries are handed over at a time, and how many such batches are read ahead.
const BATCH: usize = 256;
const BATCHES: usize = 16;

/// Passes on the entries of layers, which another thread reads meanwhile.
pub(super) fn read_ahead<L, R>(layers: Vec<L>, use_them: impl FnOnce(Ahead) -> R) -> R
where
    L: Iterator<Item = Result<Entry, IndexError>> + Send,
{
    let (sender, receiver) = sync_channel(BATCHES);
    let ahead = Ahead { batches: Rc::new(receiver), layers: layers.len() };
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for mut layer in layers {
                loop {
                    let mut entries = Vec::with_capacity(BATCH);
                    entries.extend(layer.by_ref().take(BATCH));
                    let is_last = entries.len() < BATCH;
                    if sender.send(Batch { entries, is_last }).is_err() {
                        return; // nobody wants the rest
                    }
                    if is_last {
                        break;
                    }
                }
            }
        });
        use_them(ahead)
    })
}

/// Entries of one layer.
struct Batch {
    entries: Vec<Result<Entry, IndexError>>,
    is_last: bool,
}

/// The layers of which another thread reads the entries. Each must be read to its end before the next.
pub(super) struct Ahead {
    batches: Rc<Receiver<Batch>>,
    layers: usize,
}

impl Iterator for Ahead {
    type Item = AheadLayer;

    fn next(&mut self) -> Option<AheadLayer> {
        self.layers = self.layers.checked_sub(1)?;
        Some(AheadLayer { batches: Rc::clone(&self.batches), batch: Vec::new().into_iter(), is_last: false })
    }
}

/// The entries of one of them.
pub(super) struct AheadLayer {
    batches: Rc<Receiver<Batch>>,
    batch: std::vec::IntoIter<Result<Entry, IndexError>>,
    is_last: bool,
}

impl Iterator for AheadLayer {
    type Item = Result<Entry, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.batch.next() {
                return Some(entry);
            }
            if self.is_last {
                return None;
            }
            // If there are no more, the other thread panicked, and so does this one when it waits for that.
            let batch = self.batches.recv().ok()?;
            (self.batch, self.is_last) = (batch.entries.into_iter(), batch.is_last);
        }
    }
}
