//! What a player's document shows: its example, and whether its table has a row for a key. For tests that hold both true.

/// The first example in TOML.
pub(crate) fn example_of(document: &str) -> String {
    let lines = document.lines().skip_while(|line| *line != "```toml").skip(1);
    lines.take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect()
}

/// Whether a row's first cell names the key, by itself or as a part of a path as in `display.kind`.
pub(crate) fn has_row(document: &str, key: &str) -> bool {
    let rows = document.lines().filter(|line| line.starts_with("| `"));
    let mut cells = rows.filter_map(|line| line.split('|').nth(1));
    cells.any(|cell| cell.split(['`', '.', ' ', ',']).any(|part| part == key))
}

/// The keys that a fault of an unknown key says are expected.
pub(crate) fn keys_of(expected: &str) -> impl Iterator<Item = &str> {
    expected.split([',', ' ']).filter(|it| !it.is_empty() && *it != "or")
}
