//! Goal: a box whose daemon is not root may open what it plays on: each group that a rule gives a device to exists.
//! Method: read the rules and the users that are made, as udev and systemd-sysusers would.

use std::fs;

#[test]
fn every_group_of_a_device_is_made_and_the_player_is_in_it() {
    let users = fs::read_to_string("systemd/sysusers.d/demon.conf").expect("it is there");
    let lines: Vec<Vec<&str>> = users.lines().map(|line| line.split_whitespace().collect()).collect();
    let mut groups = 0;
    for entry in fs::read_dir("udev").expect("it is there") {
        let rules = fs::read_to_string(entry.expect("readable").path()).expect("readable");
        for group in rules.split("GROUP=\"").skip(1).filter_map(|it| it.split('"').next()) {
            groups += 1;
            assert!(lines.iter().any(|it| it.starts_with(&["g", group])), "nothing makes the group {group}");
            assert!(lines.contains(&vec!["m", "demon", group]), "the player is not in {group}");
        }
    }
    assert!(6 <= groups, "{groups} groups in the rules");
}
