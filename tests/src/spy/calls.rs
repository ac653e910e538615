//! Counts the calls of each store operation.

/// An operation of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `Store::load`
    Load,
    /// `Store::insert`
    Insert,
    /// `Store::replace`
    Replace,
    /// `Store::rotate`
    Rotate,
    /// `Store::touch`
    Touch,
    /// `Store::remove`
    Remove,
    /// `Store::listed`
    List,
}

/// The number of calls begun, by operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// `Store::load`
    pub loads: u32,
    /// `Store::insert`
    pub inserts: u32,
    /// `Store::replace`
    pub replaces: u32,
    /// `Store::rotate`
    pub rotates: u32,
    /// `Store::touch`
    pub touches: u32,
    /// `Store::remove`
    pub removes: u32,
    /// `Store::listed`
    pub lists: u32,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 7] = [
        Self::Load,
        Self::Insert,
        Self::Replace,
        Self::Rotate,
        Self::Touch,
        Self::Remove,
        Self::List,
    ];
}

impl Calls {
    /// No call at all.
    pub const NONE: Self = Self {
        loads: 0,
        inserts: 0,
        replaces: 0,
        rotates: 0,
        touches: 0,
        removes: 0,
        lists: 0,
    };

    /// The calls that change something.
    #[must_use]
    pub fn writes(self) -> u32 {
        self.inserts + self.replaces + self.rotates + self.touches + self.removes
    }

    pub(super) fn of(&mut self, operation: Operation) -> &mut u32 {
        match operation {
            Operation::Load => &mut self.loads,
            Operation::Insert => &mut self.inserts,
            Operation::Replace => &mut self.replaces,
            Operation::Rotate => &mut self.rotates,
            Operation::Touch => &mut self.touches,
            Operation::Remove => &mut self.removes,
            Operation::List => &mut self.lists,
        }
    }
}
