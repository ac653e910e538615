//! The user of a request: loaded once, with permissions, and signed out when the sign-in is no longer valid.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_extractor_with_state, from_fn_with_state};
use axum::response::Response;
use http::{Method, StatusCode};
use starsessions::user::{AuthHash, CurrentUser, Permission, User};
use starsessions::{CurrentSession, Session, SessionError, SessionRejection};
use starsessions_tests::client::Client;
use starsessions_tests::gate::Gate;
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::{get, post};
use starsessions_tests::site::{Kept, Site};

/// The application's database of users.
#[derive(Clone, Default)]
struct Database {
    accounts: Arc<Mutex<HashMap<u64, Account>>>,
    queries: Arc<AtomicUsize>,
    /// Holds queries, if set.
    gate: Arc<Mutex<Option<Gate>>>,
    fails: Arc<Mutex<bool>>,
}

#[derive(Clone, Debug)]
struct Account {
    id: u64,
    is_staff: bool,
    password: &'static str,
}

impl Database {
    fn new() -> Self {
        let database = Self::default();
        for (id, is_staff) in [(1, true), (2, false)] {
            database.accounts.lock().unwrap().insert(
                id,
                Account {
                    id,
                    is_staff,
                    password: "old",
                },
            );
        }
        database
    }

    async fn account(&self, id: u64) -> io::Result<Option<Account>> {
        self.queries.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        if *self.fails.lock().unwrap() {
            return Err(io::Error::other("the database is away"));
        }
        Ok(self.accounts.lock().unwrap().get(&id).cloned())
    }

    fn queries(&self) -> usize {
        self.queries.swap(0, Ordering::Relaxed)
    }

    fn set_password(&self, id: u64, password: &'static str) {
        let mut accounts = self.accounts.lock().unwrap();
        accounts.get_mut(&id).unwrap().password = password;
    }
}

#[derive(Session)]
#[session(reject = "/login")]
struct Login {
    #[session(required, rotate, index)]
    user: u64,
    #[session(required)]
    password: AuthHash,
}

impl CurrentUser<Database> for Account {
    type Login = Login;
    type Error = io::Error;

    async fn load(login: &Login, database: &Database) -> Result<Option<Self>, io::Error> {
        let account = database.account(login.user).await?;
        Ok(account.filter(|account| login.password.is_of(account.password)))
    }
}

struct Staff;

impl Permission<Account> for Staff {
    fn is_granted(account: &Account) -> bool {
        account.is_staff
    }
}

async fn sign_in(
    session: CurrentSession,
    State(database): State<Database>,
    Path(user): Path<u64>,
) -> Result<(), SessionError> {
    let password = database.accounts.lock().unwrap()[&user].password;
    let password = AuthHash::of(password);
    session.insert(Login { user, password })
}

async fn me(user: User<Account>) -> String {
    user.id.to_string()
}

async fn greet(user: Option<User<Account>>, staff: Option<User<Account, Staff>>) -> String {
    format!("{:?} {}", user.map(|user| user.id), staff.is_some())
}

async fn office(user: User<Account, Staff>) -> String {
    format!("office of {}", user.id)
}

/// Loads the user four times, in addition to the middleware.
async fn often(
    user: User<Account>,
    staff: User<Account, Staff>,
    maybe: Option<User<Account>>,
    session: CurrentSession,
    State(database): State<Database>,
) -> Result<String, SessionRejection> {
    let again = User::<Account>::of(&session, &database).await?;
    Ok(format!(
        "{} {} {} {}",
        user.id,
        staff.id,
        maybe.unwrap().id,
        again.id
    ))
}

async fn at_once(
    session: CurrentSession,
    State(database): State<Database>,
) -> Result<String, SessionRejection> {
    let find = || User::<Account>::of(&session, &database);
    let (a, b, c) = tokio::join!(find(), find(), find());
    Ok(format!("{} {} {}", a?.id, b?.id, c?.id))
}

/// Signs in as the other user; loads the user before and after.
async fn switch(
    user: User<Account>,
    session: CurrentSession,
    State(database): State<Database>,
) -> Result<String, SessionRejection> {
    let password = AuthHash::of("old");
    session.insert(Login { user: 2, password })?;
    let other = User::<Account>::of(&session, &database).await?;
    Ok(format!("{} {}", user.id, other.id))
}

/// Commits the session first: until the response leaves, no other request can have the new id.
async fn change_password(
    user: User<Account>,
    session: CurrentSession,
    State(database): State<Database>,
) -> Result<(), SessionError> {
    let password = AuthHash::of("new");
    session.insert(Login {
        user: user.id,
        password,
    })?;
    session.commit().await?;
    database.set_password(user.id, "new");
    Ok(())
}

/// Updates the stored hash as after a rehash; the id stays.
async fn renew_hash(
    mut login: Session<Login>,
    State(database): State<Database>,
) -> Result<(), SessionError> {
    login.password = AuthHash::of("new");
    login.commit().await?;
    database.set_password(login.user, "new");
    Ok(())
}

async fn guard(_: Option<User<Account>>, request: Request, next: Next) -> Response {
    next.run(request).await
}

fn site(kept: Kept) -> (Site, Client, Database) {
    let site = Site::kept(kept);
    let (client, database) = serve(&site);
    (site, client, database)
}

fn serve(site: &Site) -> (Client, Database) {
    let database = Database::new();
    let staff = Router::new()
        .route("/staff/room", get(|| async { "room" }))
        .route_layer(from_extractor_with_state::<User<Account, Staff>, _>(
            database.clone(),
        ));
    let routes = Router::new()
        .route("/often", get(often))
        .layer(from_fn_with_state(database.clone(), guard))
        .route("/in/{user}", post(sign_in))
        .route("/me", get(me).post(me))
        .route("/greet", get(greet))
        .route("/office", get(office))
        .route("/at-once", get(at_once))
        .route("/switch", get(switch))
        .route("/password", post(change_password))
        .route("/hash", post(renew_hash))
        .merge(staff)
        .with_state(database.clone());
    (site.serve(routes), database)
}

#[tokio::test]
async fn however_many_ask_there_is_one_query() {
    for kept in Kept::ANYWHERE {
        let (_site, mut client, database) = site(kept);
        client.post("/in/1").await;
        assert_eq!(client.get("/often").await.body, "1 1 1 1", "{kept:?}");
        assert_eq!(database.queries(), 1, "{kept:?}");
        assert_eq!(client.get("/at-once").await.body, "1 1 1", "{kept:?}");
        assert_eq!(database.queries(), 1, "another request");
    }
}

#[tokio::test]
async fn a_user_is_loaded_again_when_the_sign_in_is_another() {
    let (_site, mut client, database) = site(Kept::OnServer);
    client.post("/in/1").await;
    assert_eq!(client.get("/switch").await.body, "1 2");
    assert_eq!(database.queries(), 2);
    assert_eq!(client.get("/me").await.body, "2");
}

#[tokio::test]
async fn a_guest_and_a_user_without_the_permission_are_refused() {
    let (_site, mut client, database) = site(Kept::OnServer);
    for path in ["/me", "/office", "/staff/room"] {
        client.get(path).await.leads_to("/login");
    }
    let script = [("sec-fetch-mode", "cors")];
    let script = client.ask_with(Method::GET, "/me", &script).await;
    assert_eq!(script.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.get("/greet").await.body, "None false");
    assert_eq!(database.queries(), 0, "for guests there is none");

    client.post("/in/2").await;
    for path in ["/office", "/staff/room"] {
        let refused = client.get(path).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(refused.body, "You may not do this.");
    }
    assert_eq!(client.get("/greet").await.body, "Some(2) false");
    client.post("/in/1").await;
    assert_eq!(client.get("/office").await.body, "office of 1");
    assert_eq!(client.get("/staff/room").await.body, "room");
    assert_eq!(client.get("/greet").await.body, "Some(1) true");
}

#[tokio::test]
async fn the_session_of_a_deleted_user_ends() {
    for kept in Kept::ANYWHERE {
        let (site, mut client, database) = site(kept);
        client.post("/in/1").await;
        let copy = client.clone();
        database.accounts.lock().unwrap().clear();
        let refused = client.post("/me").await;
        refused.leads_to("/login");
        assert_eq!(refused.max_age(), Some(0), "{kept:?}: {refused:?}");
        assert_eq!(client.cookies(), None);
        if kept == Kept::OnServer {
            assert_eq!(site.rows(), 0);
        }
        // The account exists again, but its sessions have ended, where sessions can be ended.
        let account = Database::new().accounts.lock().unwrap()[&1].clone();
        database.accounts.lock().unwrap().insert(1, account);
        let seen = copy.clone().get("/greet").await.body;
        let is_guest = seen == "None false";
        assert_eq!(is_guest, kept != Kept::InCookiesForGood, "{kept:?}");
    }
}

#[tokio::test]
async fn an_end_for_want_of_the_user_is_explained() {
    let (mut client, database) = serve(&Site::with(|layer| layer.explain(true)));
    client.post("/in/1").await;
    database.set_password(1, "new");
    let refused = client.get("/me").await;
    assert_eq!(
        refused.all("x-session-explain").concat(),
        "loaded; `CurrentUser::load` has found no user for `Login`; ended; cookie removed"
    );
}

#[tokio::test]
async fn a_change_of_password_signs_other_devices_out() {
    for kept in Kept::REVOCABLY {
        let (_site, mut laptop, _database) = site(kept);
        let mut phone = laptop.clone();
        laptop.post("/in/1").await;
        phone.post("/in/1").await;
        assert_eq!(laptop.post("/password").await.status, StatusCode::OK);
        assert_eq!(laptop.get("/me").await.body, "1", "{kept:?}");
        phone.get("/me").await.leads_to("/login");
        assert_eq!(phone.cookies(), None, "{kept:?}");
        assert_eq!(phone.get("/greet").await.body, "None false");
        assert_eq!(laptop.get("/me").await.body, "1", "{kept:?}");
    }
}

/// The late request sees the new password with the earlier sign-in. It is refused and ends nothing.
#[tokio::test]
async fn a_request_beside_a_change_of_password_signs_nobody_out() {
    for kept in Kept::REVOCABLY {
        let (_site, mut client, database) = site(kept);
        client.post("/in/1").await;
        let gate = Gate::new();
        *database.gate.lock().unwrap() = Some(gate.clone());
        let late = tokio::spawn(client.ask(Method::POST, "/me"));
        gate.reached().await;
        *database.gate.lock().unwrap() = None;
        assert_eq!(client.post("/password").await.status, StatusCode::OK);
        gate.open();
        let late = late.await.unwrap();
        late.leads_to("/login");
        client.keep(&late);
        assert_eq!(client.get("/me").await.body, "1", "{kept:?}");
    }
}

/// The sign-in stored at that moment is the one that counts.
#[tokio::test]
async fn a_request_beside_a_new_hash_goes_on() {
    let (_site, mut client, database) = site(Kept::OnServer);
    client.post("/in/1").await;
    let gate = Gate::new();
    *database.gate.lock().unwrap() = Some(gate.clone());
    let late = tokio::spawn(client.ask(Method::GET, "/me"));
    gate.reached().await;
    *database.gate.lock().unwrap() = None;
    assert_eq!(client.post("/hash").await.status, StatusCode::OK);
    gate.open();
    assert_eq!(late.await.unwrap().body, "1");
}

/// The session still exists when the database is back.
#[tokio::test]
async fn a_user_who_cannot_be_loaded_is_an_error() {
    let (_site, mut client, database) = site(Kept::OnServer);
    client.post("/in/1").await;
    *database.fails.lock().unwrap() = true;
    let logs = Logs::capture();
    for path in ["/me", "/greet", "/office"] {
        let failed = client.get(path).await;
        assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert_eq!(failed.body, "Something went wrong.");
        assert!(!failed.sets_cookie());
    }
    assert_eq!(logs.with(&["ERROR", "the database is away"]).len(), 3);
    *database.fails.lock().unwrap() = false;
    assert_eq!(client.get("/me").await.body, "1");
}

#[tokio::test]
async fn a_handler_with_a_user_is_called_as_a_plain_function() {
    let account = Database::new().accounts.lock().unwrap()[&1].clone();
    assert_eq!(office(User::for_test(account)).await, "office of 1");
}

/// A customer or an employee; one session may hold both.
struct Person(String);

#[derive(Session)]
struct Customer {
    #[session(required, rotate)]
    number: u64,
}

#[derive(Session)]
struct Employee {
    #[session(required, rotate)]
    number: u64,
}

struct Shop;
struct Office;

impl CurrentUser<Shop> for Person {
    type Login = Customer;
    type Error = io::Error;

    async fn load(login: &Customer, _: &Shop) -> Result<Option<Self>, io::Error> {
        Ok(Some(Self(format!("customer {}", login.number))))
    }
}

impl CurrentUser<Office> for Person {
    type Login = Employee;
    type Error = io::Error;

    async fn load(login: &Employee, _: &Office) -> Result<Option<Self>, io::Error> {
        Ok(Some(Self(format!("employee {}", login.number))))
    }
}

#[tokio::test]
async fn a_user_of_two_kinds_of_sign_in_is_two_users() {
    async fn both(session: CurrentSession) -> Result<String, SessionRejection> {
        session.insert(Customer { number: 7 })?;
        session.insert(Employee { number: 7 })?;
        let customer = User::<Person>::of(&session, &Shop).await?;
        let employee = User::<Person>::of(&session, &Office).await?;
        Ok(format!("{}, {}", customer.0, employee.0))
    }
    let client = Site::new().serve(Router::new().route("/both", post(both)));
    let reply = client.ask(Method::POST, "/both").await;
    assert_eq!(reply.body, "customer 7, employee 7");
}
