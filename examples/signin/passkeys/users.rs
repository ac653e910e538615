//! The users and their passkeys, in memory. A real application uses a database table.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use webauthn_rs::prelude::{AuthenticationResult, Passkey};

#[derive(Default)]
pub struct Users(Mutex<HashMap<String, Vec<Passkey>>>);

impl Users {
    pub fn passkeys(&self, name: &str) -> Option<Vec<Passkey>> {
        self.all().get(name).cloned()
    }

    /// Adds a user. Returns `false` if the name or the passkey is taken.
    pub fn add(&self, name: &str, passkey: Passkey) -> bool {
        let mut all = self.all();
        let mut known = all.values().flatten();
        if all.contains_key(name) || known.any(|it| it.cred_id() == passkey.cred_id()) {
            return false;
        }
        all.insert(name.to_owned(), vec![passkey]);
        true
    }

    /// Updates the signature counter, which reveals a cloned authenticator.
    pub fn used(&self, name: &str, result: &AuthenticationResult) {
        for passkey in self.all().get_mut(name).into_iter().flatten() {
            passkey.update_credential(result);
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Vec<Passkey>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
