//! Goal: the pictures in docs/screens are what the panel shows, so that the document cannot go stale.
//! Method: draw each moment again and compare it, dot by dot, with the committed picture; `make screens` writes them anew.

#[path = "../examples/screens/specimens.rs"]
mod specimens;

use std::path::{Path, PathBuf};

use hal::display::read_png;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/screens")
}

#[test]
fn every_picture_of_the_document_is_what_the_code_draws() {
    for specimen in specimens::specimens() {
        let kept = read_png(&folder().join(format!("{}.png", specimen.name))).expect("`make screens` was run");
        let same = kept == specimen.frame();
        let shown = specimen.frame().braille().join("\n");
        assert!(same, "docs/screens/{}.png is stale, run `make screens`; drawn now:\n{shown}", specimen.name);
    }
    let kept = std::fs::read_to_string(folder().join("README.md")).expect("`make screens` was run");
    assert!(kept == specimens::document(), "docs/screens/README.md is stale, run `make screens`");
}

#[test]
fn no_picture_lies_about_that_nothing_draws() {
    let drawn: Vec<String> = specimens::specimens().iter().map(|it| format!("{}.png", it.name)).collect();
    for entry in std::fs::read_dir(folder()).expect("the folder is there") {
        let name = entry.expect("an entry").file_name().into_string().expect("a plain name");
        assert!(name == "README.md" || drawn.contains(&name), "docs/screens/{name} is of no specimen");
    }
}
