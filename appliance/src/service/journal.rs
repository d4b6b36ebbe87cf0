//! systemd's journal: whether what is printed goes there, and events as its entries, with level and fields.
//!
//! An entry is made where the event is, and sent by whoever may wait (the log's thread). The message's own words are `MESSAGE`; each field
//! of the event is one of the entry, named `DEMON_` and its name: `journalctl DEMON_OF="the sound device"` lists what became of the
//! sound device.

use std::fmt;
use std::os::fd::AsFd;

use libsystemd::logging::{Priority, journal_send};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// What systemd says of the stream that it gave: device and inode.
const STREAM: &str = "JOURNAL_STREAM";
/// What fields of ours are called before their name: the journal knows those without by meanings of its own.
const OURS: &str = "DEMON_";
/// The field of an event that is its message.
const MESSAGE: &str = "message";

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How much it matters.
    pub level: Level,
    /// In words.
    pub message: String,
    /// Fields of ours, by their whole names.
    pub fields: Vec<(String, String)>,
}

impl Entry {
    /// Sends it. May wait for the journal.
    ///
    /// # Errors
    /// When there is no journal, in words.
    pub fn send(&self) -> Result<(), String> {
        let priority = match self.level {
            Level::ERROR => Priority::Error,
            Level::WARN => Priority::Warning,
            Level::INFO => Priority::Info,
            Level::DEBUG | Level::TRACE => Priority::Debug,
        };
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        journal_send(priority, &self.message, fields).map_err(|it| it.to_string())
    }
}

/// Makes entries of events and hands them on.
pub struct Entries<P>(P);

impl<P: Fn(Entry)> Entries<P> {
    /// To `put`, which never waits.
    pub const fn to(put: P) -> Self {
        Self(put)
    }
}

impl<S: Subscriber, P: Fn(Entry) + 'static> Layer<S> for Entries<P> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let about = event.metadata();
        let fields = vec![("CODE_MODULE".to_owned(), about.target().to_owned())];
        let mut entry = Entry { level: *about.level(), message: String::new(), fields };
        event.record(&mut entry);
        (self.0)(entry);
    }
}

impl Visit for Entry {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let words = format!("{value:?}");
        match field.name() {
            MESSAGE => self.message = words,
            name => self.fields.push((format!("{OURS}{}", name.to_uppercase().replace('.', "_")), words)),
        }
    }
}

/// Whether a stream of ours is the journal's.
#[must_use]
pub fn holds(stream: impl AsFd) -> bool {
    std::env::var(STREAM).is_ok_and(|said| is_that(stream, &said))
}

/// Whether a stream has the device and inode that are `said`: a child of a service inherits the word, and not always the stream.
fn is_that(stream: impl AsFd, said: &str) -> bool {
    let Some((device, inode)) = said.split_once(':') else { return false };
    let Ok(about) = rustix::fs::fstat(stream) else { return false };
    device.parse() == Ok(about.st_dev) && inode.parse() == Ok(about.st_ino)
}

#[cfg(test)]
mod tests {
    use super::{Entries, Entry, Level, is_that};
    use std::os::unix::fs::MetadataExt;
    use std::sync::mpsc::channel;
    use tracing_subscriber::layer::SubscriberExt as _;

    #[test]
    fn an_event_is_an_entry_with_its_level_its_words_and_its_fields() {
        let (put, entries) = channel();
        let subscriber = tracing_subscriber::registry().with(Entries::to(move |it| drop(put.send(it))));
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(of = %"the sound device", standing = true, count = 3, "it is \"gone\"\nfor now");
            tracing::info!(target: "tensorrt", name = "a name", "built");
        });
        let all: Vec<Entry> = entries.try_iter().collect();
        let fields = |of: &[(&str, &str)]| of.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect();
        let first = Entry {
            level: Level::ERROR,
            message: "it is \"gone\"\nfor now".to_owned(),
            fields: fields(&[
                ("CODE_MODULE", module_path!()),
                ("DEMON_OF", "the sound device"),
                ("DEMON_STANDING", "true"),
                ("DEMON_COUNT", "3"),
            ]),
        };
        let second = Entry {
            level: Level::INFO,
            message: "built".to_owned(),
            fields: fields(&[("CODE_MODULE", "tensorrt"), ("DEMON_NAME", "a name")]),
        };
        assert_eq!(all, [first, second]);
    }

    #[test]
    fn only_the_very_stream_that_is_named_is_the_journals() {
        let stream = tempfile::tempfile().expect("a file");
        let about = stream.metadata().expect("it is open");
        assert!(is_that(&stream, &format!("{}:{}", about.dev(), about.ino())));
        for other in [format!("{}:{}", about.dev(), about.ino() + 1), "8".to_owned(), "a:b".to_owned(), String::new()] {
            assert!(!is_that(&stream, &other), "{other}");
        }
    }
}
