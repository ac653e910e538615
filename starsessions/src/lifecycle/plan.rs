//! What to do with a session at the end of a request.

/// What is known when the handler has answered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Situation {
    /// The request brought the cookie of a live session.
    pub(crate) exists: bool,
    /// The session is to end.
    pub(crate) destroy: bool,
    /// Fields are to be written or removed.
    pub(crate) changes: bool,
    /// A new id is to be issued at once: asked for, or a `rotate` field changes.
    pub(crate) rotate: bool,
    /// The id is old, or stands under a key that is on its way out.
    pub(crate) renew: bool,
    /// A deadline is to be moved.
    pub(crate) touch: bool,
}

/// The one operation that this takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing to write, nothing to tell the browser.
    Nothing,
    /// Deadlines alone.
    Touch,
    /// A first record, under a new id.
    Create,
    /// Changed fields.
    Commit,
    /// A new id for the record; with a grace for the old one unless privileges change.
    Rotate { grace: bool },
    /// The record ends and another begins, under a new id, in one operation.
    Replace,
    /// The record ends.
    Delete,
}

impl Step {
    /// Whether the id that the browser has ends by it.
    pub(crate) fn ends_id(self) -> bool {
        matches!(self, Self::Rotate { .. } | Self::Replace | Self::Delete)
    }
}

impl Situation {
    pub(crate) fn step(self) -> Step {
        match self {
            Self {
                exists: false,
                changes: true,
                ..
            } => Step::Create,
            Self { exists: false, .. } => Step::Nothing,
            Self {
                destroy: true,
                changes: true,
                ..
            } => Step::Replace,
            Self { destroy: true, .. } => Step::Delete,
            Self { rotate: true, .. } => Step::Rotate { grace: false },
            Self { renew: true, .. } => Step::Rotate { grace: true },
            Self { changes: true, .. } => Step::Commit,
            Self { touch: true, .. } => Step::Touch,
            _ => Step::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every combination, against the rules in words.
    #[test]
    fn the_whole_table() {
        for bits in 0_u8..64 {
            let bit = |n: u8| bits >> n & 1 == 1;
            let situation = Situation {
                exists: bit(0),
                destroy: bit(1),
                changes: bit(2),
                rotate: bit(3),
                renew: bit(4),
                touch: bit(5),
            };
            let step = situation.step();
            if !situation.exists {
                let creates = step == Step::Create;
                assert_eq!(
                    creates, situation.changes,
                    "created by writing only: {situation:?}"
                );
                assert!(creates || step == Step::Nothing, "{situation:?}");
                continue;
            }
            assert_ne!(step, Step::Create, "{situation:?}");
            let ends = matches!(step, Step::Delete | Step::Replace);
            assert_eq!(ends, situation.destroy, "logout is final: {situation:?}");
            if situation.rotate && !situation.destroy {
                assert_eq!(step, Step::Rotate { grace: false }, "{situation:?}");
            }
            let idle = !(bit(1) || bit(2) || bit(3) || bit(4) || bit(5));
            assert_eq!(step == Step::Nothing, idle, "{situation:?}");
        }
    }
}
