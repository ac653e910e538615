//! The expected outcome, modelled without keys, stores, encodings or concurrency.

use std::collections::{BTreeMap, BTreeSet};

use super::{Op, REMEMBERED, STANDARD};

/// The content of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A reference to a session in a store; a session has one valid cookie at a time.
    Server,
    /// A state of the session. All states with the same id are valid, and the newest one counts no more than the
    /// others, until the id is ended.
    Sealed,
}

/// What a request sees. Times are counted from the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) count: u32,
    pub(super) note: Option<u8>,
    pub(super) coupon: Option<u8>,
    pub(super) user: Option<u8>,
    /// When the session began, when it ends, and whether it is remembered.
    pub(super) timers: Option<(u64, u64, bool)>,
}

/// What a reply sets in the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Nothing,
    /// No cookie, or the same cookie again.
    Again,
    New,
    Removal,
    /// 409: there is no session to write to.
    Refused,
}

pub(super) struct Model {
    kind: Kind,
    now: u64,
    /// The session of each cookie that was ever set.
    cookies: Vec<usize>,
    /// The replacement that a sign-in has left for a cookie or, where sessions are cookies, for an id.
    left: BTreeMap<usize, Left>,
    sessions: Vec<State>,
    /// The ids that have ended.
    ended: BTreeSet<u32>,
    next_id: u32,
}

#[derive(Clone, Copy)]
struct Left {
    at: u64,
    /// The cookie that replaces the former one.
    to: usize,
}

#[derive(Clone, Debug)]
struct State {
    id: u32,
    created: u64,
    used: u64,
    /// Derived from the other fields where it is not stored.
    expires: u64,
    remembered: bool,
    data: Data,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Data {
    count: u32,
    note: Option<u8>,
    /// The value, and the second in which it expires.
    coupon: Option<(u8, u64)>,
    user: Option<u8>,
}

impl Model {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            now: 0,
            cookies: Vec::new(),
            left: BTreeMap::new(),
            sessions: Vec::new(),
            ended: BTreeSet::new(),
            next_id: 0,
        }
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        self.now += seconds;
    }

    /// What a request with this cookie sees, and what its reply sets.
    pub(super) fn request(&mut self, cookie: Option<usize>, op: Op) -> (Seen, Told) {
        let Some(place) = cookie.and_then(|cookie| self.live(cookie)) else {
            let told = self.guest(cookie, op);
            return (Seen::default(), told);
        };
        let before = self.sessions[place].clone();
        let seen = before.seen(self.now);
        (seen, self.visitor(place, &before, op))
    }

    /// The session of a cookie, if the cookie is valid.
    fn live(&self, cookie: usize) -> Option<usize> {
        let place = self.cookies[cookie];
        let state = &self.sessions[place];
        let is_current = match self.kind {
            Kind::Server => self.cookies.iter().rposition(|it| *it == place) == Some(cookie),
            Kind::Sealed => true,
        };
        (is_current && self.is_live(state) && !self.ended.contains(&state.id)).then_some(place)
    }

    fn guest(&mut self, cookie: Option<usize>, op: Op) -> Told {
        let mut data = Data::default();
        data.change(op, self.now);
        // While the cookie of a sign-in may be on its way, only another sign-in begins a session.
        let is_behind = cookie.is_some_and(|cookie| self.left_of(cookie).is_some());
        if let (Some(cookie), true, Op::Destroy | Op::Restart(_)) = (cookie, is_behind, op) {
            self.end_behind(cookie);
        }
        if is_behind && data.user.is_none() && (data != Data::default() || op == Op::RemoveLogin) {
            return Told::Refused;
        }
        if data != Data::default() && (!is_behind || data.user.is_some()) {
            self.begin(data);
            return Told::New;
        }
        match op {
            Op::Destroy if cookie.is_some() => Told::Removal,
            _ => Told::Nothing,
        }
    }

    /// For a minute a former cookie leads to its replacement, and only for a logout.
    fn left_of(&self, cookie: usize) -> Option<Left> {
        let left = self.left.get(&self.former(cookie)).copied();
        // A session in a cookie has already ended if its own times are over.
        let is_over =
            self.kind == Kind::Sealed && !self.is_live(&self.sessions[self.cookies[cookie]]);
        left.filter(|left| self.now < left.at + 60 && !is_over)
    }

    fn is_live(&self, state: &State) -> bool {
        self.now < state.expires
            && self.now < state.used + state.idle()
            && self.now < state.created + state.absolute()
    }

    fn former(&self, cookie: usize) -> usize {
        match self.kind {
            Kind::Server => cookie,
            Kind::Sealed => self.sessions[self.cookies[cookie]].id as usize,
        }
    }

    fn end_behind(&mut self, mut cookie: usize) {
        while let Some(left) = self.left.get(&self.former(cookie)).copied() {
            if self.now >= left.at + 60 {
                return;
            }
            // In a store, the way is removed together with the session that it leads to.
            if self.kind == Kind::Server {
                self.left.remove(&cookie);
            }
            cookie = left.to;
        }
        self.ended.insert(self.sessions[self.cookies[cookie]].id);
    }

    fn visitor(&mut self, place: usize, before: &State, op: Op) -> Told {
        match op {
            Op::Destroy => {
                self.ended.insert(before.id);
                return Told::Removal;
            }
            Op::Restart(_) => {
                self.ended.insert(before.id);
                let former = self.cookies.iter().rposition(|it| *it == place);
                let mut data = Data::default();
                data.change(op, self.now);
                self.begin(data);
                self.leave(former);
                return Told::New;
            }
            _ => {}
        }
        let mut after = before.clone();
        after.data.change(op, self.now);
        let is_privilege = match op {
            Op::SignIn(_) | Op::Rotate => true,
            _ => before.data.user != after.data.user,
        };
        if let Op::Remember(remember) = op {
            after.remembered = remember;
        }
        let has_other_profile = before.remembered != after.remembered;
        let is_written = before.data != after.data || is_privilege || has_other_profile;

        let deadline = (self.now + after.idle()).min(after.created + after.absolute());
        let is_due = self.now - before.used >= before.idle().div_euclid(10).min(60)
            && deadline > before.expires;
        let is_used = match self.kind {
            Kind::Server => is_due || has_other_profile,
            // A new cookie always contains the time at which it was made.
            Kind::Sealed => is_due || is_written,
        };
        if is_used {
            after.used = self.now;
            after.expires = deadline;
        }
        match self.kind {
            Kind::Server => {
                self.sessions[place] = after;
                if is_privilege {
                    let former = self.cookies.iter().rposition(|it| *it == place);
                    self.cookies.push(place);
                    self.leave(former);
                    Told::New
                } else {
                    Told::Again
                }
            }
            Kind::Sealed if is_written || is_due => {
                let former = self.cookies.iter().rposition(|it| *it == place);
                if is_privilege {
                    self.ended.insert(before.id);
                    after.id = self.new_id();
                }
                self.keep(after);
                self.leave(former.filter(|_| is_privilege));
                Told::New
            }
            Kind::Sealed => Told::Nothing,
        }
    }

    /// Records that the newest cookie replaces the former one.
    fn leave(&mut self, former: Option<usize>) {
        let (at, to) = (self.now, self.cookies.len() - 1);
        let former = former.map(|cookie| self.former(cookie));
        self.left.extend(former.map(|it| (it, Left { at, to })));
    }

    fn begin(&mut self, data: Data) {
        let id = self.new_id();
        let mut state = State {
            id,
            created: self.now,
            used: self.now,
            expires: 0,
            remembered: false,
            data,
        };
        state.expires = self.now + state.idle();
        self.keep(state);
    }

    fn keep(&mut self, state: State) {
        self.cookies.push(self.sessions.len());
        self.sessions.push(state);
    }

    fn new_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }
}

impl State {
    fn seen(&self, now: u64) -> Seen {
        Seen {
            count: self.data.count,
            note: self.data.note,
            coupon: self.data.coupon(now),
            user: self.data.user,
            timers: Some((self.created, self.expires, self.remembered)),
        }
    }

    fn idle(&self) -> u64 {
        let lifetime = if self.remembered {
            REMEMBERED
        } else {
            STANDARD
        };
        lifetime.idle.as_secs()
    }

    fn absolute(&self) -> u64 {
        let lifetime = if self.remembered {
            REMEMBERED
        } else {
            STANDARD
        };
        lifetime.absolute.as_secs()
    }
}

impl Data {
    fn coupon(&self, now: u64) -> Option<u8> {
        self.coupon
            .filter(|(_, end)| now < *end)
            .map(|(coupon, _)| coupon)
    }

    fn change(&mut self, op: Op, now: u64) {
        match op {
            Op::Read | Op::Destroy | Op::Rotate | Op::Remember(_) => {}
            Op::Count => self.count += 1,
            Op::Note(note) => self.note = note,
            Op::Coupon(coupon) => {
                if coupon != self.coupon(now) {
                    self.coupon = coupon.map(|coupon| (coupon, now + 300));
                }
            }
            Op::SignIn(user) | Op::Restart(user) => self.user = Some(user),
            Op::ChangeUser(user) => self.user = self.user.map(|_| user),
            Op::RemoveLogin => self.user = None,
        }
    }
}
