//! Clause 6: rows that are found by an index key.

use super::trial::{
    Trial, after, at, filed_row, new_index_key, new_key, refiled, rotation, row, until, way_after,
};
use crate::store::{Listing, Row, Store};

/// One index key leads to several rows, and one row is filed under several index keys.
pub async fn an_index_key_leads_to_every_live_row<S: Store>(store: &S) {
    let trial = Trial::new("an_index_key_leads_to_every_live_row", store);
    let (alice, team) = (new_index_key(), new_index_key());
    let (phone, laptop, guest) = (new_key(), new_key(), new_key());
    let on_phone = filed_row(b"phone", &[alice]);
    let on_laptop = filed_row(b"laptop", &[alice, team]);
    let of_guest = row(b"guest");
    trial.insert(&phone, &on_phone).await;
    trial.insert(&laptop, &on_laptop).await;
    trial.insert(&guest, &of_guest).await;
    let both = [(&phone, &on_phone), (&laptop, &on_laptop)];
    trial.lists(&alice, at(1), &both).await;
    trial.lists(&team, at(1), &[(&laptop, &on_laptop)]).await;

    // The guest signs in, and the phone joins the team.
    let signed_in = refiled(after(&of_guest, b"signed in"), &[alice]);
    trial.replace(&guest, &of_guest, &signed_in).await;
    let joined = refiled(after(&on_phone, b"joined"), &[alice, team]);
    trial.replace(&phone, &on_phone, &joined).await;
    // The laptop keeps its index keys and gets another card.
    let labelled = Row {
        listing: Some(Listing::new(vec![alice, team], *b"another card").into()),
        ..until(900, after(&on_laptop, b"labelled"))
    };
    trial.replace(&laptop, &on_laptop, &labelled).await;
    let [phone, laptop] = [(&phone, &joined), (&laptop, &labelled)];
    trial.lists(&team, at(1), &[phone, laptop]).await;
    let three = [phone, laptop, (&guest, &signed_in)];
    trial.lists(&alice, at(1), &three).await;

    let (crowd, keys) = (new_index_key(), [(); CROWD].map(|()| new_key()));
    let one = filed_row(b"one", &[crowd]);
    for key in &keys {
        trial.insert(key, &one).await;
    }
    let all: Vec<_> = keys.iter().map(|key| (key, &one)).collect();
    trial.lists(&crowd, at(1), &all).await;
}

/// An index key leads to no row that was taken off it, replaced, rotated, removed or has expired.
pub async fn an_index_key_leads_to_nothing_that_has_ended<S: Store>(store: &S) {
    let trial = Trial::new("an_index_key_leads_to_nothing_that_has_ended", store);
    let (alice, bob) = (new_index_key(), new_index_key());
    let keys = [(); 5].map(|()| new_key());
    let [left, shared, renewed, removed, short] = &keys;
    let seen = filed_row(b"alice", &[alice]);
    for key in [left, shared, renewed, removed] {
        trial.insert(key, &seen).await;
    }
    let expiring = until(300, seen.clone());
    trial.insert(short, &expiring).await;

    let guest = Row {
        listing: None,
        ..after(&seen, b"guest")
    };
    trial.replace(left, &seen, &guest).await;
    let of_bob = refiled(after(&seen, b"bob"), &[bob]);
    trial.replace(shared, &seen, &of_bob).await;
    trial.says(store.remove(removed).await, &Some(seen.clone()));
    let new = new_key();
    let left = way_after(&seen, b"way");
    let rotation = rotation([renewed, &new], [&seen, &left, &seen]);
    let place = if trial.rotate(rotation, &seen).await {
        &new
    } else {
        renewed
    };
    let last = [(place, &seen), (short, &expiring)];
    trial.lists(&alice, at(299), &last).await;
    trial.lists(&alice, at(300), &[(place, &seen)]).await;
    trial.lists(&bob, at(300), &[(shared, &of_bob)]).await;

    // The row is filed under its former index key again.
    let back = refiled(after(&of_bob, b"alice"), &[alice]);
    trial.replace(shared, &of_bob, &back).await;
    trial.lists(&bob, at(300), &[]).await;
    let two = [(place, &seen), (shared, &back)];
    trial.lists(&alice, at(300), &two).await;
    trial.lists(&alice, at(1_000), &[]).await;
}

/// More rows than a server returns on its first page of a hundred.
const CROWD: usize = 128;
