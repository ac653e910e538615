//! Two requests of one session, in every order of their store operations.

mod board;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use http::{Method, StatusCode};
use starsessions::{CurrentSession, MemoryStore, Session, SessionError};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::routing::{get, post};
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::Spy;

use self::board::{Board, InTurn, Operation};

#[derive(Session)]
struct Basket {
    /// The session existed before the requests.
    is_old: bool,
    #[session(merge = append)]
    written: Vec<usize>,
    #[session(merge = sum)]
    writes: usize,
    #[session(exclusive)]
    ticket: Option<u8>,
}

#[derive(Session)]
struct Login {
    #[session(required, rotate, index)]
    user: u8,
}

impl Basket {
    fn write(&mut self, request: usize) {
        self.written.push(request);
        self.writes += 1;
    }
}

/// The paths that the requests visit.
const PATHS: [&str; 9] = [
    "/read", "/write", "/take", "/login/8", "/rotate", "/logout", "/anew", "/end", "/others",
];
/// Paths that end the session, paths that end its id, and paths that write.
const ENDS: [&str; 3] = ["/logout", "/anew", "/end"];
const ROTATES: [&str; 3] = ["/login/8", "/rotate", "/anew"];
const WRITES: [&str; 3] = ["/write", "/login/8", "/rotate"];
/// After this many seconds, each request gives the session a new id.
const RENEWAL: u64 = 600;

fn routes() -> Router {
    Router::new()
        .route("/begin", post(begin))
        .route("/look", get(look))
        .route("/read/{n}", post(async |_: Session<Basket>| ()))
        .route("/write/{n}", post(write))
        .route("/take/{n}", post(take))
        .route("/login/8/{n}", post(login))
        .route("/rotate/{n}", post(rotate))
        .route("/logout/{n}", post(logout))
        .route("/anew/{n}", post(anew))
        .route("/end/{n}", post(end))
        .route("/others/{n}", post(others))
}

async fn begin(session: CurrentSession, mut basket: Session<Basket>) -> Result<(), SessionError> {
    (basket.is_old, basket.ticket) = (true, Some(1));
    session.insert(Login { user: 7 })
}

async fn write(mut basket: Session<Basket>, Path(n): Path<usize>) {
    basket.write(n);
}

async fn take(mut basket: Session<Basket>) -> String {
    format!("{:?}", basket.ticket.take())
}

async fn login(
    mut basket: Session<Basket>,
    session: CurrentSession,
    Path(n): Path<usize>,
) -> Result<(), SessionError> {
    basket.write(n);
    session.insert(Login { user: 8 })
}

async fn rotate(
    mut basket: Session<Basket>,
    session: CurrentSession,
    Path(n): Path<usize>,
) -> Result<(), SessionError> {
    basket.write(n);
    session.rotate()
}

async fn logout(session: CurrentSession) -> Result<(), SessionError> {
    session.destroy()
}

async fn anew(session: CurrentSession) -> Result<(), SessionError> {
    session.destroy()?;
    session.insert(Login { user: 6 })
}

/// Ends the session by its entry in the list.
async fn end(session: CurrentSession) -> Result<(), SessionError> {
    let listed = session.list::<Login>().await?;
    let own = listed.iter().find(|listed| listed.is_current);
    session
        .revoke::<Login>(own.ok_or(SessionError::Gone)?.id)
        .await?;
    Ok(())
}

async fn others(session: CurrentSession) -> Result<(), SessionError> {
    session.revoke_others::<Login>().await?;
    Ok(())
}

async fn look(basket: Session<Basket>, session: CurrentSession) -> Result<String, SessionError> {
    let Some(name) = session.fingerprint().await? else {
        return Ok(String::new());
    };
    assert_eq!(basket.written.len(), basket.writes, "one unit");
    let age = if basket.is_old { "old" } else { "new" };
    let ticket = basket.ticket.map_or("taken", |_| "there");
    let written: String = basket.written.iter().map(|n| format!("#{n}")).collect();
    Ok(format!("{name} {age} {ticket} {written}"))
}

type Request = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// The choices of one schedule: the one that was made, and how many there were.
#[derive(Default)]
struct Schedule {
    choices: Vec<(usize, usize)>,
    at: usize,
}

impl Schedule {
    fn choose(&mut self, of: usize) -> usize {
        if self.at == self.choices.len() {
            self.choices.push((0, of));
        }
        self.at += 1;
        self.choices[self.at - 1].0
    }

    /// Advances to the next schedule; `false` if this was the last.
    fn next(&mut self) -> bool {
        self.at = 0;
        while let Some((chosen, of)) = self.choices.pop() {
            if chosen + 1 < of {
                self.choices.push((chosen + 1, of));
                return true;
            }
        }
        false
    }
}

/// Polls the requests in the schedule's order; `None` if an equivalent schedule was played before.
fn play(board: &Board, mut requests: [Request; 2], schedule: &mut Schedule) -> Option<[Reply; 2]> {
    let mut replies = [None, None];
    let mut go_on = |request: usize| {
        board.turns().of = Some(request);
        let polled = requests[request].as_mut();
        let polled = polled.poll(&mut Context::from_waker(Waker::noop()));
        board.turns().of = None;
        if let Poll::Ready(reply) = polled {
            replies[request] = Some(reply);
        }
    };
    go_on(0);
    go_on(1);
    let mut last: Option<(usize, Operation)> = None;
    loop {
        let waiting = board.turns().waiting.clone();
        // Of two equivalent orders, only the one in which the first request comes first is played.
        let is_other = |(request, operation): &(&usize, &Operation)| match &last {
            Some((before, done)) => *request >= before || !operation.commutes_with(done),
            None => true,
        };
        let choices: Vec<_> = waiting.iter().filter(is_other).collect();
        if choices.is_empty() {
            break;
        }
        let (request, operation) = choices[schedule.choose(choices.len())];
        last = Some((*request, operation.clone()));
        go_on(*request);
    }
    let [Some(one), Some(other)] = replies else {
        assert!(!board.turns().waiting.is_empty(), "a request hangs");
        board.turns().waiting.clear();
        return None;
    };
    Some([one, other])
}

/// Plays two requests in every order, with an id of this age; returns the number of schedules.
async fn in_every_order(paths: [&str; 2], is_by_parts: bool, age: u64) -> usize {
    let (mut schedule, mut played) = (Schedule::default(), 0);
    loop {
        let board = Board::default();
        let store = InTurn {
            store: MemoryStore::new(),
            board: board.clone(),
            is_by_parts,
        };
        let site = Site::over(Spy::new(store), Kept::OnServer, |layer| {
            layer.renewal(Duration::from_secs(RENEWAL))
        });
        let mut user = site.serve(routes());
        user.post("/begin").await;
        site.wait_seconds(age);
        let request = |n: usize| -> Request {
            Box::pin(user.ask(Method::POST, &format!("{}/{n}", paths[n])))
        };
        if let Some(replies) = play(&board, [request(0), request(1)], &mut schedule) {
            let what = format!("{paths:?}, by parts: {is_by_parts}, age {age}: {replies:?}");
            let restarted = site.restarted(|layer| layer).serve(routes());
            judge(&restarted, &user, paths, &replies, &what).await;
            played += 1;
        }
        if !schedule.next() {
            return played;
        }
    }
}

/// Checks the session behind each cookie against the responses.
async fn judge(
    looking: &Client,
    user: &Client,
    paths: [&str; 2],
    replies: &[Reply; 2],
    what: &str,
) {
    let is_done = |n: usize| replies[n].status == StatusCode::OK;
    let former = looking.showing(user.cookies().unwrap()).get("/look").await;
    assert_eq!(former.status, StatusCode::OK, "{what}");
    let mut seen = vec![former.body.clone()];
    for reply in replies {
        let mut told = user.clone();
        told.keep(reply);
        let cookies = told.cookies().unwrap_or_default();
        seen.push(looking.showing(cookies).get("/look").await.body);
    }
    seen.sort_unstable();
    seen.dedup();
    let is_old = |it: &str| it.contains(" old ");
    let old = seen.iter().find(|it| is_old(it));
    for (n, path) in paths.iter().enumerate() {
        let is_there = seen.iter().any(|it| it.contains(&format!("#{n}")));
        let is_written = is_done(n) && WRITES.contains(path);
        // A write before an end was removed together with the session.
        let is_right = is_there == is_written || (old.is_none() && !is_there);
        assert!(is_right, "what {n} has written: {seen:?} {what}");
    }
    let has_ended = (0..2).any(|n| is_done(n) && ENDS.contains(&paths[n]));
    let successors = seen.iter().filter(|it| is_old(it)).count();
    assert_eq!(successors, usize::from(!has_ended), "{seen:?} {what}");
    if (0..2).any(|n| is_done(n) && ROTATES.contains(&paths[n])) {
        assert!(!is_old(&former.body), "a former id: {what}");
    }
    if let Some(old) = old {
        let takers = (0..2).filter(|n| is_done(*n) && replies[*n].body == "Some(1)");
        let is_taken = old.contains(" taken ");
        assert_eq!(takers.count(), usize::from(is_taken), "{old} {what}");
    }
}

/// Plays every pair of paths; returns the number of schedules.
async fn every_two(is_by_parts: bool, ages: &[u64]) -> usize {
    let mut played = 0;
    for (place, one) in PATHS.iter().enumerate() {
        for other in &PATHS[place..] {
            for age in ages {
                played += in_every_order([one, other], is_by_parts, *age).await;
            }
        }
    }
    played
}

#[tokio::test]
async fn two_requests_come_to_what_was_answered_in_whichever_order_they_meet() {
    let played = every_two(false, &[0, RENEWAL]).await;
    assert!(played > 300, "{played}");
}

#[tokio::test]
async fn so_they_do_where_the_store_cannot_change_two_keys_at_once() {
    let played = every_two(true, &[RENEWAL]).await;
    assert!(played > 1_000, "{played}");
}
