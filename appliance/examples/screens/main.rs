//! Writes the pictures of docs/screens, through the code that draws the panel: `make screens`.

mod specimens;

use std::path::Path;

use hal::display::write_png;
use specimens::{document, specimens};

/// Pixels a dot: a picture then is as wide as a column of text.
const SCALE: usize = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/screens"));
    std::fs::create_dir_all(folder)?;
    for specimen in specimens() {
        write_png(&specimen.frame(), SCALE, &folder.join(format!("{}.png", specimen.name)))?;
    }
    std::fs::write(folder.join("README.md"), document())?;
    Ok(())
}
