//! What tempo is heard in recordings: `tempo_check FILE...`, a line each, the tempo in beats a minute and how long that took; for `make tempo-check`.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use appliance::recording::load_source;
use appliance::recording::tempo::tempo_of;

fn main() -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    for file in std::env::args().skip(1) {
        let source = load_source(Path::new(&file), 600.0, &mut |_| ())?;
        let begun = Instant::now();
        let found = tempo_of(&source.pcm).map_or("none".to_owned(), |it| format!("{it:.2}"));
        writeln!(out, "{found}\t{:.3}\t{file}", begun.elapsed().as_secs_f64())?;
    }
    Ok(())
}
