use starsessions::Session;

#[derive(Session)]
struct Shop<#[session(rotate)] T> {
    views: Vec<T>,
}

fn main() {}
