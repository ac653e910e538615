//! Errors of transports: settings that cannot work, and requests that do not fit them; what to change.

use crate::sentence::{debug_as_sentence, sentences};

/// A [`Transport`](super::Transport) that cannot work, by itself or with the layer's other settings.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportConfigError {
    /// The text is not the name of a header.
    HeaderName(String),
    /// A header with another meaning.
    HeaderTaken(String),
    /// A token for sessions in a `CookieStore`.
    CookieStore,
    /// A token for the sessions of the Python library.
    Python,
    /// A token beside sessions that are taken over, which come by a cookie.
    TakeOver,
    /// The binding to devices without a cookie.
    DeviceBinding,
    /// A former cookie where there is no cookie.
    FormerCookie,
}

debug_as_sentence!(TransportConfigError);

sentences! { TransportConfigError:
    Self::HeaderName(name) => "no header can be called {name:?}; use letters, digits and `-`, as in `x-session`";
    Self::HeaderTaken(name) => "the header `{name}` has another meaning, or pages of other sites may set it; call yours `x-session`, \
        for example, and use `Transport::bearer` for `Authorization`";
    Self::CookieStore => "a session in a `CookieStore` is another text after each write, and a token stays the same; use a \
        server-side store, or leave the transport at the cookie";
    Self::Python => "the Python library finds sessions only by their cookie; leave the transport at the cookie";
    Self::TakeOver => "sessions of another library come by its cookie, and a request that has it beside a token would show two; \
        leave the transport at the cookie until the take-over is done, or give the API a layer of another realm";
    Self::DeviceBinding => "browsers bind a session by its cookie; put the cookie back with `beside_cookie`, or leave the binding to \
        devices off";
    Self::FormerCookie => "without a cookie no leftover of it is removed; leave `former_cookie` off, or put the cookie back with \
        `beside_cookie`";
}

/// A request or a handler that the layer's [`Transport`](super::Transport) does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportError {
    /// The request shows the session's cookie beside a token, or a token beside more credentials. The layer cannot know
    /// which of them the user means, and one may be planted, so it uses none.
    Twofold,
    /// A logout has come with more cookies of the session's name than the layer tries. The sessions behind the others
    /// may live on.
    TooManyCookies,
    /// The handler asks for a token in a request that has come with the session's cookie.
    BesideCookie,
    /// There is no session whose token could be handed out.
    NoSession,
    /// The session would begin, or get a new id, for a client that gets no cookie, and the handler has not handed the
    /// token out.
    NotHandedOut,
    /// The layer's transport is the cookie alone, so a token would be useless.
    CookieOnly,
    /// The layer sets no cookie, which a flow needs.
    NoCookie,
}

sentences! { TransportError:
    Self::Twofold => "the request shows more than one credential of a session: send its cookie or one token, not both";
    Self::TooManyCookies => "the request has more cookies of the session's name than are tried, so a session behind one of them may \
        live on; delete the cookies of this site and sign out again";
    Self::BesideCookie => "a page with a session in a cookie gets no token, which its scripts could leak; ask for the token without \
        cookies (`credentials: \"omit\"`)";
    Self::NoSession => "there is no session to hand a token out of; sign in first, and drop the views that begin it";
    Self::NotHandedOut => "the session would get an id that its client would not learn; call `bearer_token().await` after the change, \
        in the place of `commit`, and send what it returns";
    Self::CookieOnly => "this layer takes no tokens; give it `.transport(Transport::bearer())`, or add `.beside_cookie()`";
    Self::NoCookie => "this layer sets no cookies, and a flow is one; give it `.transport(Transport::bearer().beside_cookie())`, or \
        let a layer of another realm serve the sign-in";
}
