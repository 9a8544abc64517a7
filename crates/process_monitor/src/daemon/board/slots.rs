//! A map by process in the order of registration, of which every state can be kept while the next one is made. To make
//! that costs the square root of their number, so ten thousand are registered or removed without a pause.

use indexmap::IndexMap;
use process_monitor_core::id::ProcessId;
use std::collections::HashSet;
use std::sync::Arc;

/// How many differences to the many are carried along before the many are made anew: the least work for some ten
/// thousand (`√2N`), and little for any number.
const FEW: usize = 128;

/// Those of `many` but for `gone`, then `few`.
#[derive(Clone)]
pub struct Slots<T> {
    many: Arc<IndexMap<ProcessId, T>>,
    gone: HashSet<ProcessId>,
    few: IndexMap<ProcessId, T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { many: Arc::default(), gone: HashSet::new(), few: IndexMap::new() }
    }
}

impl<T> FromIterator<(ProcessId, T)> for Slots<T> {
    fn from_iter<I: IntoIterator<Item = (ProcessId, T)>>(slots: I) -> Self {
        Self { many: Arc::new(slots.into_iter().collect()), ..Self::default() }
    }
}

impl<T: Clone> Slots<T> {
    pub fn get(&self, id: &ProcessId) -> Option<&T> {
        self.few.get(id).or_else(|| self.many.get(id).filter(|_| !self.gone.contains(id)))
    }

    /// In the order of registration.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.iter().map(|(_, value)| value)
    }

    fn iter(&self) -> impl Iterator<Item = (&ProcessId, &T)> {
        self.many.iter().filter(|(id, _)| !self.gone.contains(*id)).chain(&self.few)
    }

    /// And one that is new.
    pub fn with(&self, id: ProcessId, value: T) -> Self {
        let mut more = self.clone();
        more.few.insert(id, value);
        more.settled()
    }

    /// But for this one.
    pub fn without(&self, id: &ProcessId) -> Self {
        let mut fewer = self.clone();
        if fewer.few.shift_remove(id).is_none() && fewer.many.contains_key(id) {
            fewer.gone.insert(id.clone());
        }
        fewer.settled()
    }

    fn settled(self) -> Self {
        if self.few.len() + self.gone.len() < FEW {
            return self;
        }
        self.iter().map(|(id, value)| (id.clone(), value.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> ProcessId {
        ProcessId::new(&number.to_string()).unwrap()
    }

    #[test]
    fn the_many_are_seldom_copied() {
        const SIZE: usize = 1_000;
        let mut slots: Slots<usize> = (0..SIZE).map(|number| (id(number), number)).collect();
        let mut copies = 0;
        let mut change = |slots: &mut Slots<usize>, next: Slots<usize>| {
            copies += usize::from(!Arc::ptr_eq(&slots.many, &next.many));
            *slots = next;
        };
        for number in 0..SIZE {
            let next = slots.with(id(SIZE + number), number);
            change(&mut slots, next);
            let next = slots.without(&id(number));
            change(&mut slots, next);
        }
        assert!(copies <= 2 * SIZE / FEW, "{copies} copies");
        assert_eq!(slots.values().count(), SIZE);
    }

    #[test]
    fn it_is_like_a_map_in_order_whatever_is_done() {
        let (mut slots, mut expected) = (Slots::default(), IndexMap::new());
        let mut all_in_use = false;
        // Numbers are met again and again, present or not.
        for step in 0..3_000_usize {
            let number = step * 7_919 % 1_009;
            if step % 3 == 0 {
                slots = slots.without(&id(number));
                expected.shift_remove(&id(number));
            } else if !expected.contains_key(&id(number)) {
                slots = slots.with(id(number), step);
                expected.insert(id(number), step);
            }
            all_in_use |= !slots.many.is_empty() && !slots.gone.is_empty() && !slots.few.is_empty();
            assert_eq!(slots.get(&id(number)), expected.get(&id(number)), "step {step}");
            assert!(slots.values().eq(expected.values()), "step {step}");
        }
        assert!(all_in_use);
    }
}
