//! Enums: the variants, their order and their data.

pairs! {
    two_variants_change_places: { enum Value { Guest, Admin } } Value::Guest
        => { enum Value { Admin, Guest } }
    a_variant_is_added_in_front: { enum Value { A, B } } Value::A
        => { enum Value { Z, A, B } }
    a_variant_at_the_end_is_known_to_the_writer_alone: { enum Value { A, B, C } } Value::C
        => { enum Value { A, B } }
    a_variant_is_renamed: { enum Value { A, B } } Value::B
        => { enum Value { A, C } }
    a_variant_is_removed: { enum Value { A, B, C } } Value::B
        => { enum Value { A, C } }
    a_variant_carries_another_type: { enum Value { A(u32), B } } Value::A(1)
        => { enum Value { A(u64), B } }
    a_variant_begins_to_carry_something: { enum Value { A, B(u8) } } Value::A
        => { enum Value { A(u8), B(u8) } }
    a_variant_names_what_it_carries: { enum Value { A(u32), B } } Value::A(1)
        => { enum Value { A { id: u32 }, B } }
    a_field_of_a_variant_is_renamed: { enum Value { A { from: u8, to: u8 } } } Value::A { from: 1, to: 2 }
        => { enum Value { A { to: u8, from: u8 } } }
}

/// A rolling deploy: an enum gains a variant.
mod grown {
    mod old {
        use serde::{Deserialize, Serialize};

        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub(super) enum Role {
            Guest,
            Member(u32),
        }
        type Value = Vec<Role>;
        view!();
    }

    mod new {
        use serde::{Deserialize, Serialize};

        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub(super) enum Role {
            Guest,
            Member(u32),
            Editor(u32),
        }
        type Value = Vec<Role>;
        view!();
    }

    use starsessions::testing::TestClock;
    use starsessions::{KeyRing, MemoryStore, Session, SessionLayer};
    use starsessions_tests::client::Client;

    #[tokio::test]
    async fn both_sides_read_the_variants_that_both_know() {
        let (store, keys) = (MemoryStore::new(), KeyRing::generate().unwrap());
        let binary = || {
            SessionLayer::builder(store.clone(), keys.clone())
                .local_development()
                .clock(TestClock::at(crate::NOW))
                .build()
                .unwrap()
        };
        let mut old = Client::behind(binary());
        old.insert(old::View {
            value: Some(vec![old::Role::Guest, old::Role::Member(1)]),
            text: String::new(),
            count: 1,
        })
        .await;

        let mut new = old.at(&Client::behind(binary()));
        new.with(|view: &mut Session<new::View>| {
            let roles = view.value.as_mut().unwrap();
            assert_eq!(roles[..], [new::Role::Guest, new::Role::Member(1)]);
            roles.push(new::Role::Member(2));
        })
        .await;
        old.with(|view: &mut Session<old::View>| {
            let roles = [old::Role::Guest, old::Role::Member(1), old::Role::Member(2)];
            assert_eq!(view.value.as_deref(), Some(&roles[..]));
        })
        .await;

        new.with(|view: &mut Session<new::View>| {
            view.value.as_mut().unwrap().push(new::Role::Editor(3));
        })
        .await;
        old.with(|view: &mut Session<old::View>| {
            assert_eq!(view.value, None);
            view.count += 1;
        })
        .await;
        new.with(|view: &mut Session<new::View>| {
            let roles = view.value.as_ref().unwrap();
            assert_eq!((roles.last(), view.count), (Some(&new::Role::Editor(3)), 2));
        })
        .await;
    }
}
