//! Faults: connections that close or become silent, and lost replies.

use std::time::Duration;

use starsessions::store::{
    Inserted, Replaced, Rotated, Rotation, Row, SetupError, Store, StoreError, Touched,
};
use tokio::time::timeout;

use super::{Proxy, after, at, filed_row, index_key, key, row, touch, way_after};

/// Runs each operation after the server has closed all connections.
pub(crate) async fn an_operation_survives_a_closed_connection<S: Store>(
    store: &S,
    mut close: impl AsyncFnMut(),
) {
    let first = filed_row(b"first", 1);
    close().await;
    let inserted = store.insert(&key(1), &first, at(0)).await;
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
    close().await;
    let loaded = store.load(&key(1), at(1)).await;
    assert_eq!(loaded.unwrap().as_ref(), Some(&first));
    close().await;
    let second = after(&first, b"second");
    let replaced = store.replace(&key(1), &first, &second, at(1)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
    close().await;
    let touched = store.touch(&key(1), &second, touch(2, 200), at(2)).await;
    assert_eq!(touched.unwrap(), Touched::Touched);
    close().await;
    let listed = store.listed(&index_key(1), at(2)).await;
    assert_eq!(listed.unwrap().len(), 1);
    close().await;
    let (left, moved) = (way_after(&second), filed_row(b"moved", 1));
    let (old, new) = (key(1), key(2));
    let rotation = Rotation::new(&old, &second, &left, &new, &moved);
    let rotated = store.rotate(rotation, at(2)).await;
    assert_eq!(rotated.unwrap(), Rotated::Rotated);
    close().await;
    let removed = store.remove(&key(2)).await;
    assert_eq!(removed.unwrap().map(|row| row.value), Some(moved.value));
    close().await;
    assert_eq!(store.sweep(10, at(300)).await.unwrap(), 1);
}

/// The row under the first key cannot be decoded, so the list omits it.
pub(crate) async fn only_the_other_row_is_listed<S: Store>(store: &S) {
    let other = filed_row(b"b", 1);
    store.insert(&key(2), &other, at(0)).await.unwrap();
    let listed = store.listed(&index_key(1), at(1)).await.unwrap();
    let keys: Vec<_> = listed.iter().map(|listed| listed.key).collect();
    assert_eq!(keys, [key(2)]);
    store.remove(&key(2)).await.unwrap();
}

/// More connections become silent than the pool holds, and new connections work. Each operation succeeds.
pub(crate) async fn silent_connections_cost_one_try<S: Store + Clone>(store: &S, proxy: &Proxy) {
    for round in 0..2 {
        let operations = (0..24).map(|number| {
            let (store, key) = (store.clone(), key(round * 100 + number));
            tokio::spawn(async move {
                let first = row(b"a");
                let inserted = store.insert(&key, &first, at(0)).await;
                assert_eq!(inserted.unwrap(), Inserted::Inserted);
                let replaced = store
                    .replace(&key, &first, &after(&first, b"b"), at(1))
                    .await;
                assert_eq!(replaced.unwrap(), Replaced::Replaced);
            })
        });
        let operations: Vec<_> = operations.collect();
        if round % 2 == 0 {
            // Silence connections also while operations are under way.
            tokio::task::yield_now().await;
            proxy.silence();
        }
        for operation in operations {
            operation.await.unwrap();
        }
        proxy.silence();
        let loads = (0..24).map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.load(&key(round * 100 + number), at(1)).await })
        });
        for load in loads.collect::<Vec<_>>() {
            assert!(load.await.unwrap().unwrap().is_some());
        }
    }
}

/// A connection that becomes silent when it returns to the pool does not occupy a slot for good.
pub(crate) async fn a_connection_may_fall_silent_after_its_reply<S: Store>(
    store: &S,
    proxy: &Proxy,
) {
    for number in 0..2 {
        proxy.fall_silent_after("its last words");
        let inserted = store
            .insert(&key(number), &row(b"its last words"), at(0))
            .await;
        assert_eq!(inserted.unwrap(), Inserted::Inserted);
        assert!(store.load(&key(number), at(1)).await.unwrap().is_some());
    }
}

/// While all connections are silent, new ones included, operations fail as unavailable. The first operation afterwards
/// succeeds.
pub(crate) async fn everything_works_again_after_a_silence<S: Store + Clone>(
    store: &S,
    proxy: &Proxy,
) {
    store.insert(&key(1), &row(b"a"), at(0)).await.unwrap();
    proxy.silence_new_ones_too();
    let operations = (0..40).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.load(&key(1), at(1)).await })
    });
    for operation in operations.collect::<Vec<_>>() {
        let loaded = operation.await.unwrap();
        assert!(
            matches!(loaded, Err(StoreError::Unavailable(_))),
            "{loaded:?}"
        );
    }
    proxy.silence();
    assert!(store.load(&key(1), at(1)).await.unwrap().is_some());
}

/// The connection becomes silent at the start of an application.
pub(crate) async fn a_migration_does_not_wait_forever(
    migrate: impl AsyncFn() -> Result<(), SetupError>,
    proxy: &Proxy,
) {
    proxy.silence();
    let failed = timeout(Duration::from_secs(60), migrate()).await;
    let failed = failed.expect("the migration waits").unwrap_err();
    assert!(matches!(failed, SetupError::Unavailable(_)), "{failed}");
    migrate().await.unwrap();
}

/// The server executes each of these operations, and the connection breaks before the reply.
pub(crate) async fn a_lost_reply_is_made_up_for<S: Store + Clone>(store: &S, proxy: &Proxy) {
    // This insert prepares its statement beforehand, so that the reply lost below is the one to the execution.
    let lost = |value: &'static str| proxy.lose_reply_to(value);
    let first = filed_row(b"the first value", 1);
    store.insert(&key(9), &first, at(0)).await.unwrap();
    lost("the first value");
    let inserted = store.insert(&key(1), &first, at(0)).await;
    assert_eq!(inserted.unwrap(), Inserted::Inserted);

    let second = after(&first, b"the second value");
    lost("the second value");
    let replaced = store.replace(&key(1), &first, &second, at(1)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);

    let (left, moved) = (way_after(&second), filed_row(b"the moved value", 1));
    let (old, new) = (key(1), key(2));
    let rotation = Rotation::new(&old, &second, &left, &new, &moved);
    lost("the moved value");
    assert_eq!(
        store.rotate(rotation, at(1)).await.unwrap(),
        Rotated::Rotated
    );
    assert_eq!(store.load(&key(2), at(1)).await.unwrap(), Some(moved));
    assert!(proxy.has_lost());

    // If the reply to a removal is lost, the removed row cannot be returned. The row stays removed, and the next
    // removal reports none.
    let gate = proxy.hold("DELETE FROM");
    let removing = tokio::spawn({
        let store = store.clone();
        async move { store.remove(&key(2)).await }
    });
    gate.reached().await;
    lost("kkkkkkkk");
    gate.open();
    match removing.await.unwrap() {
        Ok(removed) => assert!(removed.is_some_and(|row: Row| &*row.value == b"the moved value")),
        Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}"),
    }
    assert!(proxy.has_lost());
    assert_eq!(store.remove(&key(2)).await.unwrap(), None);
}

/// Without encryption, two requests that count the same event write identical bytes.
pub(crate) async fn a_row_in_the_clear_is_not_told_from_that_of_another_request<S: Store>(
    store: &S,
    proxy: &Proxy,
) {
    let first = row(b"1 visit");
    store.insert(&key(1), &first, at(0)).await.unwrap();
    let second = after(&first, b"2 visits");
    let replaced = store.replace(&key(1), &first, &second, at(1)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
    proxy.lose_reply_to("2 visits");
    let replaced = store.replace(&key(1), &first, &second, at(1)).await;
    assert!(
        matches!(replaced, Err(StoreError::Unavailable(_))),
        "{replaced:?}"
    );
    assert!(proxy.has_lost());
}

/// The first attempt to remove a row does not reach the server, and another request replaces the row meanwhile.
pub(crate) async fn a_removal_that_is_sent_again_ends_what_is_there_by_now<S: Store + Clone>(
    store: &S,
    proxy: &Proxy,
) {
    let first = filed_row(b"first", 1);
    store.insert(&key(1), &first, at(0)).await.unwrap();
    let gate = proxy.hold("DELETE FROM");
    let removing = tokio::spawn({
        let store = store.clone();
        async move { store.remove(&key(1)).await }
    });
    gate.reached().await;
    let second = after(&first, b"second");
    let replaced = store.replace(&key(1), &first, &second, at(1)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
    proxy.close_all();
    assert_eq!(removing.await.unwrap().unwrap(), Some(second));
    assert_eq!(store.load(&key(1), at(1)).await.unwrap(), None);
}
