//! Goal: a soak finds what it is there to find (memory that grows, windows late at rest, underruns, values that move by themselves,
//! faults, ends that are none), and minds nothing else.
//! Method: `tools/soak/planted.py` plants each in what the tool sees.

use std::process::Command;

#[test]
fn what_a_soak_is_to_find_is_found_and_nothing_else_is() {
    let output = Command::new("python3").arg("tools/soak/planted.py").output().expect("python3 is there");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.ends_with("11 passed, 0 failed, 0 skipped\n"), "{said}");
}
