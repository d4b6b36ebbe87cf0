//! What a player says of itself: words with a level, and of what they are, so that a journal can be asked for it.

use crate::display::messages::Level;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// What it is of, as faults of a performance have it.
    pub of: Option<&'static str>,
    /// Of a fault, whether it stands from now on, or is over.
    pub standing: Option<bool>,
    /// The engine's process.
    pub engine: Option<i32>,
    /// In words.
    pub words: String,
}

/// What lines of the sound device are of: the words of its fault in a performance.
pub const DEVICE: &str = "the sound device";
/// What lines of an engine are of.
pub const ENGINE: &str = "the engine";

impl Line {
    /// News.
    #[must_use]
    pub fn new(level: Level, words: impl Into<String>) -> Self {
        Self { level, of: None, standing: None, engine: None, words: words.into() }
    }

    /// The same, of something.
    #[must_use]
    pub const fn of(mut self, of: &'static str) -> Self {
        self.of = Some(of);
        self
    }

    /// The same, of an engine's process.
    #[must_use]
    pub const fn of_engine(mut self, process: i32) -> Self {
        self.engine = Some(process);
        self.of(ENGINE)
    }

    /// The same, which stands, or is over.
    #[must_use]
    pub const fn standing(mut self, stands: bool) -> Self {
        self.standing = Some(stands);
        self
    }

    /// An event of the log.
    pub fn log(&self) {
        let Self { of, standing, engine, words, .. } = self;
        let engine = engine.map(i64::from);
        match self.level {
            Level::Info => tracing::info!(of, standing, engine, "{words}"),
            Level::Warning => tracing::warn!(of, standing, engine, "{words}"),
            Level::Fault => tracing::error!(of, standing, engine, "{words}"),
        }
    }

    /// Whether somebody reads events of this level.
    #[must_use]
    pub fn is_logged(&self) -> bool {
        match self.level {
            Level::Info => tracing::enabled!(tracing::Level::INFO),
            Level::Warning => tracing::enabled!(tracing::Level::WARN),
            Level::Fault => tracing::enabled!(tracing::Level::ERROR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DEVICE, Level, Line};
    use crate::service::journal::{Entries, Entry};
    use std::sync::mpsc::channel;
    use tracing_subscriber::layer::SubscriberExt as _;

    #[test]
    fn a_line_is_an_entry_with_its_level_and_the_fields_that_it_has_and_no_others() {
        let (put, entries) = channel();
        let subscriber = tracing_subscriber::registry().with(Entries::to(move |it| drop(put.send(it))));
        let lines = [
            Line::new(Level::Fault, "sound device hw:1: No such device").of(DEVICE).standing(true),
            Line::new(Level::Info, "an engine is attached").of_engine(345),
            Line::new(Level::Warning, "memory could not be locked"),
        ];
        tracing::subscriber::with_default(subscriber, || {
            assert!(lines.iter().all(Line::is_logged));
            lines.iter().for_each(Line::log);
        });
        let entries: Vec<Entry> = entries.try_iter().collect();
        let fields = |of: &Entry| {
            let ours = of.fields.iter().filter(|it| it.0.starts_with("DEMON_"));
            ours.map(|it| format!("{}={}", it.0, it.1)).collect::<Vec<_>>()
        };
        let levels = [tracing::Level::ERROR, tracing::Level::INFO, tracing::Level::WARN];
        assert_eq!(entries.iter().map(|it| it.level).collect::<Vec<_>>(), levels);
        assert_eq!(entries.iter().map(|it| &it.message).collect::<Vec<_>>(), lines.each_ref().map(|it| &it.words));
        assert_eq!(fields(&entries[0]), ["DEMON_OF=the sound device", "DEMON_STANDING=true"]);
        assert_eq!(fields(&entries[1]), ["DEMON_OF=the engine", "DEMON_ENGINE=345"]);
        assert!(fields(&entries[2]).is_empty());
    }
}
