//! The recipes of `docs::recipes`, requested. Each file begins with what the page shows, word for word: a test of the
//! repository compares them.

mod bearer;
mod devices;
mod form_post;
mod limit;
mod logout_elsewhere;
mod middleware;
mod oauth;
mod pages;
mod passkeys;
mod replicas;
mod return_path;
mod rotation;
mod socket;
mod step_up;
mod stream;
mod task;

/// A nonce, a challenge: what no other request has.
fn random() -> String {
    let random = starsessions::keys::Key::generate_base64().unwrap();
    random.replace(['+', '/', '='], "x")
}
