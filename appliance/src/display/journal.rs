//! Whether what is printed goes into systemd's journal: it wants events with a level, and no line a second.

use std::os::fd::AsFd;

/// What systemd says of the stream that it gave: device and inode.
const STREAM: &str = "JOURNAL_STREAM";

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
    use super::is_that;
    use std::os::unix::fs::MetadataExt;

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
