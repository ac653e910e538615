//! What one request knows of its session, and how it changes it.
//!
//! The layer gives each request a [`Slot`]. The first extractor makes the slot find the session, the handles in
//! [`session`](crate::session) leave their changes in the slot, and at the end the layer makes it finish what is
//! pending.

mod credential;
#[cfg(feature = "dbsc")]
mod device_proof;
mod explain;
mod finish;
mod flows;
mod found;
mod gate;
mod known_schemas;
mod lasting;
#[cfg(not(feature = "dbsc"))]
mod no_device_proof;
mod pending;
mod provenance;
mod reading;
mod realm;
#[cfg(debug_assertions)]
mod refreshed;
mod slot;
mod state;
#[cfg(feature = "takeover")]
mod takeover;

pub(crate) use self::explain::why_refused;
pub(crate) use self::finish::{CommitFuture, Remaining, ResponseKind};
pub(crate) use self::flows::FlowCookie;
pub(crate) use self::known_schemas::KnownSchemas;
#[cfg(feature = "axum")]
pub(crate) use self::provenance::is_handshake;
pub(crate) use self::provenance::{address, is_embedded};
pub(crate) use self::realm::Realm;
pub(crate) use self::slot::{ResponseEffects, Seen, Slot};
