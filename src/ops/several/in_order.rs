//! What is told of several images, in the order of their names.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Passes on what is told: of the image whose turn it is at once, of those behind it when their turn comes.
pub struct InOrder<'a, E> {
    tell: &'a (dyn Fn(E) + Sync),
    state: Mutex<State<E>>,
}

struct State<E> {
    /// Whose turn it is.
    turn: usize,
    /// What waits, and whether that is all.
    waiting: BTreeMap<usize, (Vec<E>, bool)>,
}

impl<'a, E> InOrder<'a, E> {
    /// Passes it on to `tell`, which is called by one thread at a time.
    pub fn new(tell: &'a (dyn Fn(E) + Sync)) -> Self {
        Self { tell, state: Mutex::new(State { turn: 0, waiting: BTreeMap::new() }) }
    }

    /// Tells something of the image at that place.
    pub fn tell(&self, place: usize, event: E) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if place == state.turn {
            (self.tell)(event);
        } else {
            state.waiting.entry(place).or_default().0.push(event);
        }
    }

    /// Nothing more is told of that image.
    pub fn end(&self, place: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting.entry(place).or_default().1 = true;
        loop {
            let turn = state.turn;
            let Some((events, is_all)) = state.waiting.get_mut(&turn) else { return };
            let is_all = *is_all;
            std::mem::take(events).into_iter().for_each(self.tell);
            if !is_all {
                return;
            }
            state.waiting.remove(&turn);
            state.turn += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_image_after_the_other() {
        let told = Mutex::new(Vec::new());
        let tell = |event: &'static str| told.lock().expect("no panic").push(event);
        let order = InOrder::new(&tell);
        order.tell(1, "b1");
        order.tell(0, "a1");
        order.tell(2, "c1");
        order.end(2);
        order.tell(0, "a2");
        order.end(0);
        assert_eq!(*told.lock().expect("no panic"), ["a1", "a2", "b1"]);
        order.tell(1, "b2");
        order.end(1);
        order.tell(3, "d1");
        assert_eq!(*told.lock().expect("no panic"), ["a1", "a2", "b1", "b2", "c1", "d1"]);
    }
}
