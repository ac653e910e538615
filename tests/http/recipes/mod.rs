//! The recipes of `docs::recipes`, run as requests. Each file begins with the code of the page, word for word; a
//! repository test compares them.

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

/// A random nonce or challenge, unique to one request.
fn random() -> String {
    let random = starsessions::keys::Key::generate_base64().unwrap();
    random.replace(['+', '/', '='], "x")
}
