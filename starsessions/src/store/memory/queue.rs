//! Places in the order of their last use.

use super::rows::{Place, push};

/// A linked list over places, the longest unused one first.
#[derive(Default)]
pub(super) struct Queue {
    neighbours: Vec<Neighbours>,
    first: Option<Place>,
    last: Option<Place>,
    len: usize,
}

#[derive(Clone, Copy, Default)]
struct Neighbours {
    before: Option<Place>,
    after: Option<Place>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn first(&self) -> Option<Place> {
        self.first
    }

    /// Adds a place that is not in the queue, as the last.
    pub(super) fn add(&mut self, place: Place) {
        while self.neighbours.len() <= place.index() {
            push(&mut self.neighbours, Neighbours::default());
        }
        let before = self.last.replace(place);
        *self.after(before) = Some(place);
        self.neighbours[place.index()] = Neighbours {
            before,
            after: None,
        };
        self.len += 1;
    }

    /// Removes a place that is in the queue.
    pub(super) fn remove(&mut self, place: Place) {
        let Neighbours { before, after } = self.neighbours[place.index()];
        *self.after(before) = after;
        *self.before(after) = before;
        self.len -= 1;
    }

    /// The link to the place after this one, or to the first.
    fn after(&mut self, place: Option<Place>) -> &mut Option<Place> {
        match place {
            Some(place) => &mut self.neighbours[place.index()].after,
            None => &mut self.first,
        }
    }

    /// The link to the place before this one, or to the last.
    fn before(&mut self, place: Option<Place>) -> &mut Option<Place> {
        match place {
            Some(place) => &mut self.neighbours[place.index()].before,
            None => &mut self.last,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_leave_in_the_order_in_which_they_came(
            steps in proptest::collection::vec(0..12_usize, 0..60)
        ) {
            let (mut queue, mut order) = (Queue::default(), VecDeque::new());
            for number in steps {
                // A place that is in the queue leaves, another one comes.
                let place = Place::new(number);
                match order.iter().position(|it| *it == place) {
                    Some(at) => {
                        order.remove(at);
                        queue.remove(place);
                    }
                    None => {
                        order.push_back(place);
                        queue.add(place);
                    }
                }
                prop_assert_eq!(queue.len(), order.len());
            }
            while let Some(place) = order.pop_front() {
                prop_assert_eq!(queue.first(), Some(place));
                queue.remove(place);
            }
            prop_assert_eq!((queue.first(), queue.len()), (None, 0));
        }
    }
}
