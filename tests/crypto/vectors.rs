//! The frozen vectors, recomputed by an implementation that shares no code with the crate.

use std::path::Path;
use std::process::Command;

#[test]
fn an_independent_implementation_makes_the_same_bytes() {
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/oracle.py");
    let Ok(output) = Command::new("python3").arg(oracle).output() else {
        eprintln!("python3 is not installed: the vectors were not made again");
        return;
    };
    let printed = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{error}");
    assert_eq!(printed.lines().count(), 10, "{printed}");
}
