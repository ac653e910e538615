use starsessions::{Session, SessionData};

#[derive(Session)]
struct Shop<'a, T: Clone, const N: usize>
where
    T: PartialEq,
{
    #[session(expries = "10m")]
    views: [&'a T; N],
}

fn read<S: SessionData>(_: &S) {}

fn handlers(shop: &Shop<'static, u64, 3>) {
    read(shop);
}

fn main() {}
