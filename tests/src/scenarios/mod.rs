//! Scenarios that every store must pass, under the numbers of CONTRIBUTING.md.

mod bound_to_a_device;
mod detached;
mod devices;
mod flash;
mod key_rotation;
mod label;
mod limit;
mod login_redirect;
mod outage;
mod parallel_writers;
mod providers;
mod rolling_deploy;
mod rotation;
mod stolen_dump;
mod tokens;
mod two_tabs;

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use starsessions::MemoryStore;
use starsessions::store::Store;

use crate::servers::Server;

pub use self::bound_to_a_device::{
    a_binding_ends_with_its_session, a_copied_cookie_is_worth_nothing,
    one_device_and_each_proof_once,
};
pub use self::detached::{a_socket_lives_with_its_session, an_event_stream_flows};
pub use self::devices::{
    a_rotation_does_not_slip_away, an_account_is_signed_out_everywhere,
    devices_are_listed_and_ended,
};
pub use self::flash::{
    a_message_is_shown_once, a_newer_message_stays, what_can_be_used_once_is_used_once,
};
pub use self::key_rotation::a_new_key_takes_over;
pub use self::label::devices_have_labels;
pub use self::limit::{
    a_device_too_many_is_refused, a_handler_asks_which_device_goes,
    sign_ins_at_once_hold_the_limit, the_oldest_device_makes_room,
};
pub use self::login_redirect::the_redirect_waits_for_the_login;
pub use self::outage::an_outage_signs_nobody_out;
pub use self::parallel_writers::{
    every_increment_counts, two_writers_at_once_are_both_seen,
    what_one_deletes_the_other_does_not_bring_back,
};
pub use self::providers::two_tabs_sign_in_at_a_provider;
pub use self::rolling_deploy::two_versions_serve_one_session;
pub use self::rotation::{
    a_new_id_ends_the_old_one, a_planted_id_is_not_signed_in, a_renewal_has_one_successor,
    old_privileges_end_with_what_belongs_to_them,
};
pub use self::stolen_dump::{a_dump_signs_nobody_in, contains, no_secret_leaks, spellings};
pub use self::tokens::{a_token_lives_as_a_cookie_does, applications_are_devices};
pub use self::two_tabs::{
    a_logout_beside_a_change, a_logout_beside_a_reader, a_logout_beside_a_rotation,
};

/// The store of one test, with the resources that it needs.
pub trait Stage {
    /// The store.
    type Store: Store + Clone + Debug;

    /// Another handle of the store.
    fn store(&self) -> Self::Store;

    /// All data that a thief of the store's disk could read. `None` if the store has no disk.
    fn disk(&self) -> impl Future<Output = Option<Vec<u8>>> + Send;
}

impl Stage for MemoryStore {
    type Store = Self;

    fn store(&self) -> Self {
        self.clone()
    }

    async fn disk(&self) -> Option<Vec<u8>> {
        None
    }
}

/// A store on a server that can fail.
pub trait Served: Stage {
    /// The server, used by this test only.
    fn server(&self) -> &Server;
}

/// All bytes of all files in a folder.
///
/// # Panics
/// If a file cannot be read.
#[must_use]
pub fn bytes_in(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            bytes.extend(bytes_in(&path));
        } else if path.is_file() {
            bytes.extend(std::fs::read(&path).expect("a file"));
        }
    }
    bytes
}

/// Generates the scenarios as tests of one store. `$open` is an async function that creates its [`Stage`]. `outages of`
/// adds the scenarios that stop the server, for a stage that is [`Served`].
#[macro_export]
macro_rules! scenarios {
    ($open:path) => {
        $crate::scenarios! { @ $open, stage, site;
            scenario_01_two_writers = two_writers_at_once_are_both_seen(&site, $crate::scenarios::runs());
            scenario_01_a_deletion = what_one_deletes_the_other_does_not_bring_back(&site, $crate::scenarios::runs());
            scenario_01_increments = every_increment_counts(&site);
            scenario_02_a_message = a_message_is_shown_once(&site);
            scenario_02_a_newer_message = a_newer_message_stays(&site);
            scenario_02_used_once = what_can_be_used_once_is_used_once(&site);
            scenario_03_a_change = a_logout_beside_a_change(&site);
            scenario_03_a_reader = a_logout_beside_a_reader(&site);
            scenario_03_a_rotation = a_logout_beside_a_rotation(&site);
            scenario_04_login_then_redirect = the_redirect_waits_for_the_login(&site);
            scenario_05_a_provider = two_tabs_sign_in_at_a_provider(&site);
            scenario_11_rolling_deploy = two_versions_serve_one_session(&site);
            scenario_13_key_rotation = a_new_key_takes_over(&site);
            scenario_14_devices = devices_are_listed_and_ended(&site);
            scenario_14_an_account = an_account_is_signed_out_everywhere(&site);
            scenario_14_rotations = a_rotation_does_not_slip_away(&site);
            scenario_14_labels = devices_have_labels(&site);
            scenario_14_the_oldest = the_oldest_device_makes_room(&site);
            scenario_14_one_too_many = a_device_too_many_is_refused(&site);
            scenario_14_asked = a_handler_asks_which_device_goes(&site);
            scenario_14_all_at_once = sign_ins_at_once_hold_the_limit(&site);
            scenario_15_new_ids = a_new_id_ends_the_old_one(&site);
            scenario_15_planted_ids = a_planted_id_is_not_signed_in(&site);
            scenario_15_privileges = old_privileges_end_with_what_belongs_to_them(&site);
            scenario_15_renewal = a_renewal_has_one_successor(&site);
            scenario_22_a_socket = a_socket_lives_with_its_session(&site);
            scenario_22_an_event_stream = an_event_stream_flows(&site);
            scenario_23_no_secret_leaks = no_secret_leaks(&site.restarted(|layer| layer.renewal($crate::scenarios::RENEWAL)), &stage);
            scenario_23_nobody_is_signed_in = a_dump_signs_nobody_in(&site);
            scenario_26_a_token = a_token_lives_as_a_cookie_does(&site);
            scenario_26_devices = applications_are_devices(&site);
            scenario_27_a_copied_cookie = a_copied_cookie_is_worth_nothing(&site);
            scenario_27_the_end = a_binding_ends_with_its_session(&site);
            scenario_27_once = one_device_and_each_proof_once(&site);
        }
    };
    (outages of $open:path) => {
        $crate::scenarios! { @ $open, stage, site;
            scenario_21_an_outage = an_outage_signs_nobody_out(&site, $crate::scenarios::Served::server(&stage));
        }
    };
    (@ $open:path, $stage:ident, $site:ident; $($name:ident = $scenario:ident($($argument:expr),*);)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $name() {
            let $stage = $open().await;
            let $site = $crate::site::Site::on($crate::scenarios::Stage::store(&$stage));
            $crate::scenarios::$scenario($($argument),*).await;
        }
    )*};
}

/// The number of rounds of a race: enough to find a failure with a probability of a tenth, unless `STARSESSIONS_RUNS` sets
/// it.
#[must_use]
pub fn runs() -> usize {
    let runs = std::env::var("STARSESSIONS_RUNS");
    runs.ok().and_then(|runs| runs.parse().ok()).unwrap_or(50)
}

/// Short enough that each request of a [busy day](no_secret_leaks) causes a renewal, which leaves a way from the old ID to
/// the new one.
pub const RENEWAL: Duration = Duration::from_secs(600);
