//! Settings with which a binding to devices cannot work.

use crate::cookie::CookieConfigError;
use crate::sentence::{debug_as_sentence, sentences};

/// Settings of a [`DeviceBinding`](super::DeviceBinding) that cannot work.
#[non_exhaustive]
pub enum DeviceBindingError {
    /// The sessions are cookies, or those of another library.
    Store,
    /// Ids are renewed by age, and [`Unbound::Refused`](super::Unbound::Refused) counts from an id's beginning.
    Renewal,
    /// The session's own cookie goes over plain http, to other hosts, to a part of the site, or is partitioned.
    SessionCookie,
    /// The short cookie has a name that begins with `__Host-Http-`.
    HttpPrefix,
    /// The short cookie has the name of the session's own.
    SameName,
    /// The short cookie has a name that browsers refuse.
    Cookie(CookieConfigError),
    /// The short cookie's life is not between five minutes and a day.
    Life,
    /// The text is not a path of this site.
    Path(String),
    /// The two paths are the same.
    SamePath,
    /// The text is not a host.
    Initiator(String),
}

debug_as_sentence!(DeviceBindingError);

sentences! { DeviceBindingError:
    Self::Store => "sessions in cookies cannot be bound to a device, since an earlier copy of the cookie stays valid. Sessions that another \
        library reads cannot be bound, either; leave the binding off, or use a server-side store";
    Self::Renewal => "after each renewal, views would accept a session without a device for another minute; \
        leave out `renewal` or `Unbound::Refused`";
    Self::SessionCookie => "browsers prove their device over https only, to one host and all of its paths; make the session's cookie \
        `Secure`, with the path `/`, without a domain and not partitioned; on `http://localhost`, with `local_development`, \
        leave the binding off";
    Self::HttpPrefix => "browsers do not bind a session to a cookie whose name begins with `__Host-Http-`; begin it with `__Host-`";
    Self::SameName => "the short cookie has the name of the session's own and would take its place; give it another";
    Self::Cookie(error) => "{error}";
    Self::Life => "browsers sign only a few times in nine minutes, and refresh early when less than two minutes are left; let the short \
        cookie live for five minutes to a day, in whole seconds";
    Self::Path(path) => "`{path}` is not the path of a page of this site; begin it with `/`, and write it in letters, digits and \
        `-._~/`";
    Self::SamePath => "a registration and a refresh at one path cannot be told apart; give them two";
    Self::Initiator(host) => "`{host}` is not a host, as in `login.example.com` or `*.example.com`";
}
