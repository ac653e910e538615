//! The user that a request is signed in as.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use http::HeaderMap;
use tokio::sync::Mutex;

use super::{CurrentSession, Session, SessionRejection};
use crate::record::Record;
use crate::request::Slot;
use crate::schema::{FieldSpec, Schema, SessionData};

/// The application's type for a user, loaded for the sign-in of a request. `S` is the state of the router, with which
/// the user is loaded.
///
/// [`User<Self>`](User) is the argument of a handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no user that can be loaded with `{S}`",
    note = "implement `starsessions::user::CurrentUser<{S}>` for it; `{S}` is the state of the router"
)]
pub trait CurrentUser<S>: Sized + Send + Sync + 'static {
    /// The view that says who is signed in. It must have a `required` field, which guests lack.
    type Login: SessionData;
    /// Why a user could not be loaded: an error of the application's database, for example.
    type Error: Into<Box<dyn Error + Send + Sync>>;

    /// The user of this sign-in. `None` if the sign-in is no longer valid, as when the account was deleted or its
    /// password changed: the session then ends.
    fn load(
        login: &Self::Login,
        state: &S,
    ) -> impl Future<Output = Result<Option<Self>, Self::Error>> + Send;
}

/// A permission of a user, as a type: the second parameter of [`User`].
pub trait Permission<U>: 'static {
    /// Whether this user has the permission.
    fn is_granted(user: &U) -> bool;
}

/// The permission that every user has.
impl<U> Permission<U> for () {
    fn is_granted(_: &U) -> bool {
        true
    }
}

/// The user that the request is signed in as, with the permission `P` if one is named.
///
/// All handlers, extractors and middleware of a request share one load of the user; the user is loaded again only if
/// the sign-in has changed. `User` dereferences to the application's type.
///
/// ```
/// use starsessions::Session;
/// use starsessions::user::{AuthHash, CurrentUser, Permission, User};
/// # use std::io;
/// # #[derive(Clone)]
/// # struct Database;
/// # impl Database {
/// #     async fn account(&self, id: u64) -> io::Result<Option<Account>> { Ok(None) }
/// # }
///
/// #[derive(Session)]
/// #[session(reject = "/login")]
/// struct Login {
///     #[session(required, rotate, index)]
///     user: u64,
///     #[session(required)]
///     password: AuthHash,
/// }
///
/// struct Account {
///     name: String,
///     is_staff: bool,
///     password_hash: String,
/// }
///
/// impl CurrentUser<Database> for Account {
///     type Login = Login;
///     type Error = io::Error;
///
///     async fn load(login: &Login, database: &Database) -> Result<Option<Self>, io::Error> {
///         let account = database.account(login.user).await?;
///         Ok(account.filter(|account| login.password.is_of(&account.password_hash)))
///     }
/// }
///
/// struct Staff;
///
/// impl Permission<Account> for Staff {
///     fn is_granted(account: &Account) -> bool {
///         account.is_staff
///     }
/// }
///
/// async fn home(user: User<Account>) -> String {
///     format!("hello, {}", user.name)
/// }
///
/// async fn office(user: User<Account, Staff>) -> String {
///     format!("{} of the staff", user.name)
/// }
/// # let _: axum::Router = axum::Router::new()
/// #     .route("/", axum::routing::get(home))
/// #     .route("/office", axum::routing::get(office))
/// #     .with_state(Database);
/// ```
///
/// As an axum handler argument it answers a guest as [`Session<Login>`](Session) does. A user without the permission gets
/// 403, and 500 means that the user could not be loaded, which is logged. `Option<User<..>>` is `None` for a guest and for
/// a user without the permission.
///
/// If [`load`](CurrentUser::load) finds no user, the session is read again, because a concurrent request may have
/// changed both. If the sign-in is the same, the session ends, as by [`CurrentSession::forget`], and the request is a
/// guest's.
pub struct User<U, P = ()> {
    user: Arc<U>,
    permission: PhantomData<fn() -> P>,
}

/// The user that was loaded for a sign-in.
struct Loaded<U> {
    login: Fields,
    user: Arc<U>,
}

/// The stored values of a view, with their names, because another type may sign in with the same values.
type Fields = Vec<(&'static str, Option<Box<[u8]>>)>;

impl<U: Send + Sync + 'static, P: Permission<U>> User<U, P> {
    /// The user of a request outside of axum's extractors.
    ///
    /// # Errors
    /// If the argument would be rejected, or if the sign-in is of another realm.
    pub async fn of<S>(session: &CurrentSession, state: &S) -> Result<Self, SessionRejection>
    where
        S: Sync,
        U: CurrentUser<S>,
    {
        session.slot.serves(U::Login::SCHEMA)?;
        Self::find(&session.slot, None, state).await
    }

    pub(crate) async fn find<S>(
        slot: &Arc<Slot>,
        headers: Option<&HeaderMap>,
        state: &S,
    ) -> Result<Self, SessionRejection>
    where
        S: Sync,
        U: CurrentUser<S>,
    {
        const {
            assert!(
                has_required(U::Login::SCHEMA),
                "no field of `Login` is `required`"
            )
        }
        let login = Session::<U::Login>::load(Arc::clone(slot), headers).await?;
        let loaded = slot.once::<Mutex<Option<Loaded<U>>>>();
        // Concurrent calls of this request wait here for the first one to load.
        let mut loaded = loaded.lock().await;
        let user = load::<S, U>(login, &mut loaded, state).await?;
        if !P::is_granted(&user) {
            return Err(SessionRejection::Forbidden(std::any::type_name::<P>()));
        }
        Ok(Self::new(user))
    }
}

async fn load<S, U: CurrentUser<S>>(
    mut login: Session<U::Login>,
    loaded: &mut Option<Loaded<U>>,
    state: &S,
) -> Result<Arc<U>, SessionRejection> {
    let schema = U::Login::SCHEMA;
    loop {
        let fields = fields(schema, login.seen.record.as_ref());
        if let Some(loaded) = loaded.as_ref().filter(|it| it.login == fields) {
            return Ok(Arc::clone(&loaded.user));
        }
        let user = U::load(&login, state).await;
        if let Some(user) = user.map_err(|error| SessionRejection::NoUser(error.into()))? {
            let user = Arc::new(user);
            *loaded = Some(Loaded {
                login: fields,
                user: Arc::clone(&user),
            });
            return Ok(user);
        }
        login.reload().await?;
        if fields == self::fields(schema, login.seen.record.as_ref()) {
            login.slot.explain_no_user(schema);
            login.slot.destroy()?;
            let required = schema.fields.iter().find(|spec| spec.required);
            let absent = SessionRejection::absent(schema, required.map_or("", |spec| spec.name));
            return Err(absent.answering(&login.slot));
        }
    }
}

fn fields(schema: &Schema, record: Option<&Record>) -> Fields {
    let value = |spec: &FieldSpec| Some(spec.find(record?)?.1.value.into());
    let fields = schema.fields.iter();
    fields.map(|spec| (spec.name, value(spec))).collect()
}

/// Whether the struct has a `required` field. Without it, a guest would look like a user who cannot be found.
const fn has_required(schema: &Schema) -> bool {
    let mut place = 0;
    while place < schema.fields.len() {
        if schema.fields[place].required {
            return true;
        }
        place += 1;
    }
    false
}

impl<U, P> Deref for User<U, P> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.user
    }
}

impl<U, P> Clone for User<U, P> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.user))
    }
}

impl<U, P> User<U, P> {
    pub(crate) fn new(user: Arc<U>) -> Self {
        Self {
            user,
            permission: PhantomData,
        }
    }
}

impl<U: fmt::Debug, P> fmt::Debug for User<U, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("User").field(&self.user).finish()
    }
}
