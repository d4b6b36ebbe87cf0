//! An error in one sentence, as the player reads it.

use crate::files::plain;

/// An error with its causes. A cause that was said already, as many libraries say it in their own sentence and name it as
/// their cause besides, is not said twice; nothing in it steers a terminal.
#[must_use]
pub fn told(error: &anyhow::Error) -> String {
    let mut words = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if words.is_empty() {
            words = cause;
        } else if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    plain(&words).into_owned()
}

#[cfg(test)]
mod tests {
    use super::told;
    use anyhow::Context as _;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}: cannot be read: {1}")]
    struct Unreadable(&'static str, #[source] std::io::Error);

    #[test]
    fn a_cause_is_said_once_and_none_is_left_out() {
        let error = || Unreadable("a\u{1b}.toml", std::io::Error::other("it is gone"));
        let alone: anyhow::Error = error().into();
        assert_eq!(told(&alone), "a\\u{1b}.toml: cannot be read: it is gone");
        let within = Err::<(), _>(error()).context("no patch").expect_err("an error");
        assert_eq!(told(&within), "no patch: a\\u{1b}.toml: cannot be read: it is gone");
    }
}
