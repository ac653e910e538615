//! Every key of the vocabulary, as the reference writes it.

use starsessions::Session;
use starsessions::value::OldValue;

#[derive(Session)]
#[session(namespace = "shop", reject = "/login", bound, validate = sane, realm = "admin", crate = starsessions)]
struct Shop {
    #[session(required, rotate, index, exclusive, expires = "12h", idle = "15m")]
    user: u64,
    #[session(default = 1, merge = sum, commit = always)]
    views: u64,
    #[session(rename = "title", alias = "name", validate = any)]
    label: String,
    #[session(version = 2, migrate = from_v1, codec = json, secret)]
    price: Option<u64>,
    #[session(skip)]
    scratch: Vec<u8>,
}

fn sane(shop: &Shop) -> Result<(), &'static str> {
    if shop.user > 0 && shop.views < 10 && shop.price.is_none() && shop.scratch.is_empty() {
        Ok(())
    } else {
        Err("insane")
    }
}

fn any<T>(_: &T) -> Result<(), std::fmt::Error> {
    Ok(())
}

fn from_v1(_: OldValue<'_>) -> Result<u64, String> {
    Err("older values are gone".to_owned())
}

#[test]
fn every_key_compiles_as_the_reference_writes_it() {
    let shop = Shop {
        user: 1,
        views: 1,
        label: String::new(),
        price: None,
        scratch: Vec::new(),
    };
    assert!(shop.label.is_empty() && sane(&shop).is_ok());
}
