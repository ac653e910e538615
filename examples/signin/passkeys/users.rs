//! The users and their passkeys, in memory. An application has a table.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use webauthn_rs::prelude::{AuthenticationResult, Passkey};

#[derive(Default)]
pub struct Users(Mutex<HashMap<String, Vec<Passkey>>>);

impl Users {
    pub fn passkeys(&self, name: &str) -> Option<Vec<Passkey>> {
        self.all().get(name).cloned()
    }

    /// A new user; `false` if the name or the passkey is another one's.
    pub fn add(&self, name: &str, passkey: Passkey) -> bool {
        let mut all = self.all();
        let mut known = all.values().flatten();
        if all.contains_key(name) || known.any(|it| it.cred_id() == passkey.cred_id()) {
            return false;
        }
        all.insert(name.to_owned(), vec![passkey]);
        true
    }

    /// Counts a use, by which a copy of an authenticator is found out.
    pub fn used(&self, name: &str, result: &AuthenticationResult) {
        for passkey in self.all().get_mut(name).into_iter().flatten() {
            passkey.update_credential(result);
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Vec<Passkey>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
