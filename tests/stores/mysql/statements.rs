//! How many statements an operation takes, and how many rows each of them reads.

#![expect(clippy::print_stdout, reason = "the numbers are in the documentation")]

use sqlx::Row;
use sqlx::mysql::{MySqlPool, MySqlPoolOptions};
use starsessions::MySqlStore;
use starsessions::store::{
    Commit, Committed, Created, Forward, Record, Rotated, Rotation, Store, Touch, Touched,
};
use starsessions_tests::servers::Server;

use super::{MARIADB, MYSQL, at, commit_of, database, execute, index, key, pool, record_with};

#[tokio::test]
async fn statements_are_counted_on_mariadb() {
    counts(&MARIADB).await;
}

#[tokio::test]
async fn statements_are_counted_on_mysql() {
    counts(&MYSQL).await;
}

async fn counts(server: &Server) {
    let meter = Meter::new(server).await;
    let store = &meter.store;
    let signed_in = || {
        let mut record = record_with("a.user", b"7");
        record.fields = record
            .fields
            .iter()
            .map(|(name, field)| {
                let mut field = field.clone();
                field.index = Some(index(7));
                (name.clone(), field)
            })
            .collect();
        record
    };
    let forward = |mut rotation: Rotation| {
        rotation.forward = Some(Forward::new("sealed".into(), at(50)));
        rotation
    };
    let plain = record_with("a.x", b"1");

    meter
        .expect(
            "create",
            1,
            store.create(&key(1), &plain, at(0)),
            Created::Applied,
        )
        .await;
    meter
        .expect(
            "create what is there",
            2,
            store.create(&key(1), &plain, at(0)),
            Created::Exists,
        )
        .await;
    meter
        .expect(
            "create, indexed",
            2,
            store.create(&key(2), &signed_in(), at(0)),
            Created::Applied,
        )
        .await;
    meter.run("load", 1, store.load(&key(1), at(1))).await;
    meter
        .run("load nothing", 1, store.load(&key(9), at(1)))
        .await;

    let mut commit = commit_of("a.y", b"2");
    commit.guards = vec![("a.x".into(), 1), ("a.y".into(), 0)];
    commit.touch.idle = vec![("a.x".into(), at(9)), ("a.z".into(), at(9))];
    meter
        .expect(
            "commit",
            1,
            store.commit(&key(1), &commit, at(1)),
            Committed::Applied(2),
        )
        .await;
    let conflict = meter
        .run(
            "commit, in conflict",
            2,
            store.commit(&key(1), &commit, at(1)),
        )
        .await;
    assert!(matches!(conflict, Committed::Conflict(_)));
    let mut sign_in = commit_of("a.user", b"8");
    sign_in
        .set
        .iter_mut()
        .for_each(|(_, write)| write.index = Some(index(8)));
    meter
        .expect(
            "commit, indexed",
            2,
            store.commit(&key(1), &sign_in, at(1)),
            Committed::Applied(3),
        )
        .await;
    meter
        .expect(
            "commit to nothing",
            2,
            store.commit(&key(9), &commit, at(1)),
            Committed::Gone,
        )
        .await;

    meter
        .expect(
            "touch",
            1,
            store.touch(&key(1), &commit.touch, at(1)),
            Touched::Applied,
        )
        .await;
    meter
        .expect(
            "touch nothing",
            1,
            store.touch(&key(9), &commit.touch, at(1)),
            Touched::Gone,
        )
        .await;

    let found = meter
        .run("sessions of a user", 1, store.sessions_of(&index(7), at(1)))
        .await;
    assert_eq!(found.len(), 1);

    let rotation = forward(Rotation::new(plain.clone(), Some(3)));
    meter
        .expect(
            "rotate",
            2,
            store.rotate(&key(1), &key(3), &rotation, at(1)),
            Rotated::Applied,
        )
        .await;
    let rotation = Rotation::new(signed_in(), Some(1));
    meter
        .expect(
            "rotate, indexed",
            3,
            store.rotate(&key(2), &key(4), &rotation, at(1)),
            Rotated::Applied,
        )
        .await;
    let rotation = Rotation::new(plain, Some(9));
    let conflict = meter
        .run(
            "rotate, in conflict",
            4,
            store.rotate(&key(3), &key(5), &rotation, at(1)),
        )
        .await;
    assert!(matches!(conflict, Rotated::Conflict(_)));

    meter
        .expect("delete", 1, store.delete(&key(3), at(1)), None)
        .await;
    meter
        .expect("delete nothing", 2, store.delete(&key(9), at(1)), None)
        .await;
    let way = meter
        .run("delete a way", 3, store.delete(&key(1), at(1)))
        .await;
    assert!(way.is_some());
    meter.expect("sweep", 2, store.sweep(10, at(200)), 2).await;
}

#[tokio::test]
async fn rows_are_found_by_an_index_on_mariadb() {
    reads(&MARIADB).await;
}

#[tokio::test]
async fn rows_are_found_by_an_index_on_mysql() {
    reads(&MYSQL).await;
}

/// Among thousands of rows each operation looks at a few.
async fn reads(server: &Server) {
    let meter = Meter::new(server).await;
    meter.fill().await;
    let everything = sqlx::query("SELECT SUM(remembered) FROM starsessions").fetch_all(&meter.pool);
    assert!(meter.rows_read(everything).await >= 4096, "it counts");
    let store = &meter.store;
    let record = Record::new(at(0), at(9_000));
    let rotation = Rotation::new(record.clone(), None);
    let touch = Touch::new(at(1), at(9_000));
    meter
        .reads("create", store.create(&key(1), &record, at(0)))
        .await;
    meter.reads("load", store.load(&key(1), at(1))).await;
    meter
        .reads(
            "commit",
            store.commit(&key(1), &Commit::new(touch.clone()), at(1)),
        )
        .await;
    meter
        .reads("touch", store.touch(&key(1), &touch, at(1)))
        .await;
    meter
        .reads("sessions of a user", store.sessions_of(&index(1), at(1)))
        .await;
    meter
        .reads("rotate", store.rotate(&key(1), &key(2), &rotation, at(1)))
        .await;
    meter.reads("delete", store.delete(&key(2), at(1))).await;
    meter.reads("sweep", store.sweep(5, at(3_000))).await;
}

/// A store on a single connection, which counts.
struct Meter {
    pool: MySqlPool,
    store: MySqlStore,
}

impl Meter {
    async fn new(server: &Server) -> Self {
        let single = MySqlPoolOptions::new().max_connections(1);
        let pool = pool(server, &database(server).await, single).await;
        let store = MySqlStore::new(pool.clone());
        store.migrate().await.unwrap();
        Self { pool, store }
    }

    /// 4096 sessions, each with an index entry, of which one ends at each second.
    async fn fill(&self) {
        let record = Record::new(at(0), at(0));
        self.store.create(&key(0), &record, at(0)).await.unwrap();
        for power in 0..12 {
            let step = 1 << power;
            let double = format!(
                "INSERT INTO starsessions (session_key, created_at, issued_at, last_seen_at,
                        expires_at, revision, remembered, identified, fields)
                 SELECT UNHEX(SHA2(CONCAT({step}, HEX(session_key)), 256)), created_at, issued_at,
                        last_seen_at, expires_at + {step}, revision, remembered, identified, fields
                 FROM starsessions"
            );
            execute(&self.pool, &double).await;
        }
        let entries = "INSERT INTO starsessions_index (index_key, session)
            SELECT UNHEX(SHA2(id, 256)), id FROM starsessions";
        execute(&self.pool, entries).await;
        execute(&self.pool, "ANALYZE TABLE starsessions, starsessions_index").await;
    }

    async fn expect<T: PartialEq + std::fmt::Debug, E: std::fmt::Debug>(
        &self,
        what: &str,
        statements: u64,
        operation: impl Future<Output = Result<T, E>>,
        expected: T,
    ) {
        assert_eq!(
            self.run(what, statements, operation).await,
            expected,
            "{what}"
        );
    }

    async fn run<T, E: std::fmt::Debug>(
        &self,
        what: &str,
        statements: u64,
        operation: impl Future<Output = Result<T, E>>,
    ) -> T {
        let before = self.status("Questions").await;
        let answer = operation.await.unwrap();
        // The question itself is one of them.
        let asked = self.status("Questions").await - before - 1;
        println!("{what}: {asked}");
        assert_eq!(asked, statements, "{what}");
        answer
    }

    async fn reads<T, E: std::fmt::Debug>(
        &self,
        what: &str,
        operation: impl Future<Output = Result<T, E>>,
    ) {
        let read = self.rows_read(operation).await;
        println!("{what}: {read} rows");
        assert!(read <= MAX_READ, "{what} reads {read} rows");
    }

    async fn rows_read<T, E: std::fmt::Debug>(
        &self,
        operation: impl Future<Output = Result<T, E>>,
    ) -> u64 {
        let idle = self.status("Handler_read%").await;
        let before = self.status("Handler_read%").await;
        operation.await.unwrap();
        let after = self.status("Handler_read%").await;
        // Less what the question itself has read.
        (after - before).saturating_sub(before - idle)
    }

    async fn status(&self, name: &str) -> u64 {
        let query = sqlx::AssertSqlSafe(format!("SHOW SESSION STATUS LIKE '{name}'"));
        let rows = sqlx::query(query).fetch_all(&self.pool).await.unwrap();
        let value = |row: &sqlx::mysql::MySqlRow| row.get::<String, _>(1).parse::<u64>().unwrap();
        rows.iter().map(value).sum()
    }
}

/// A sweep of five looks at each of them a few times.
const MAX_READ: u64 = 40;
