//! The generated code under the lints of `starsessions_tests::strict`: this test compiles only if that module does.

use starsessions_tests::strict::{Aging, Page, Shop};

use crate::names;

#[test]
fn strict_types_are_sessions() {
    assert_eq!(names::<Shop>().len(), 6);
    assert_eq!(names::<Page<'static, u8, 3>>().len(), 2);
    assert_eq!(names::<Aging>().len(), 2);
}
