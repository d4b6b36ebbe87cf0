//! Writes the pictures of docs/screens, through the code that draws the panel: `make screens`.

mod specimens;

use std::path::Path;

use appliance::files::write_whole;
use hal::display::png_bytes;
use specimens::{document, specimens};

/// Pixels a dot: a picture then is as wide as a column of text.
const SCALE: usize = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/screens"));
    std::fs::create_dir_all(folder)?;
    for specimen in specimens() {
        write_whole(&folder.join(format!("{}.png", specimen.name)), &png_bytes(&specimen.frame(), SCALE))?;
    }
    write_whole(&folder.join("README.md"), document().as_bytes())?;
    Ok(())
}
