//! What is said through the socket: one short text a message, a word and what belongs to it.
//!
//! Whoever is of another version hears words that it does not know; it says so, and nothing else comes of it.

/// Bytes of a message at most. Whatever is longer is cut.
pub const MESSAGE_BYTES: usize = 4096;

/// What an engine says, or whoever else comes to the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To be attached: the layout that it knows.
    Attach {
        /// See [`engine::boundary::LAYOUT_VERSION`].
        layout: u64,
    },
    /// That the player fades out and ends.
    Stop,
}

/// What the player says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Come in: the memory is with it.
    Welcome {
        /// As what it is attached from now on.
        epoch: u64,
        /// Where the sound goes, for the display.
        place: String,
    },
    /// No, for this reason.
    Refused(String),
    /// For a moment.
    News(String),
    /// The sound device is away, for this reason.
    Away(String),
    /// It is here again.
    Back,
    /// The output takes nothing more, for this reason.
    Over(String),
    /// It has faded out and ends; not all of the sound arrived, for this reason.
    Ended(Option<String>),
}

impl Asked {
    /// As a message.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Attach { layout } => format!("attach {layout}"),
            Self::Stop => "stop".to_owned(),
        }
    }

    /// What a message asks; nothing when it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match text.split_once(' ').unwrap_or((text, "")) {
            ("attach", layout) => Some(Self::Attach { layout: layout.parse().ok()? }),
            ("stop", "") => Some(Self::Stop),
            _ => None,
        }
    }
}

impl Told {
    /// As a message.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Welcome { epoch, place } => format!("welcome {epoch} {place}"),
            Self::Refused(why) => format!("refused {why}"),
            Self::News(words) => format!("news {words}"),
            Self::Away(why) => format!("away {why}"),
            Self::Back => "back".to_owned(),
            Self::Over(why) => format!("over {why}"),
            Self::Ended(None) => "ended".to_owned(),
            Self::Ended(Some(why)) => format!("ended {why}"),
        }
    }

    /// What a message tells; nothing when it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let words = rest.to_owned();
        Some(match word {
            "welcome" => {
                let (epoch, place) = rest.split_once(' ')?;
                Self::Welcome { epoch: epoch.parse().ok()?, place: place.to_owned() }
            }
            "refused" => Self::Refused(words),
            "news" => Self::News(words),
            "away" => Self::Away(words),
            "back" => Self::Back,
            "over" => Self::Over(words),
            "ended" => Self::Ended((!rest.is_empty()).then_some(words)),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_read_as_it_was_meant_and_anything_else_is_none() {
        for asked in [Asked::Attach { layout: 7 }, Asked::Stop] {
            assert_eq!(Asked::read(&asked.text()), Some(asked));
        }
        let welcome = Told::Welcome { epoch: u64::MAX, place: "a place with spaces".to_owned() };
        let words = || "plug:'hw:7': no such device".to_owned();
        for told in [
            welcome,
            Told::Refused(words()),
            Told::News(words()),
            Told::Away(words()),
            Told::Back,
            Told::Over(words()),
            Told::Ended(None),
            Told::Ended(Some(words())),
        ] {
            assert_eq!(Told::read(&told.text()), Some(told));
        }
        assert_eq!(["", "attach", "attach x", "stop now", "welcome"].map(|it| Asked::read(it).is_some()), [false; 5]);
        assert_eq!(["", "welcome", "welcome x y", "stop"].map(|it| Told::read(it).is_some()), [false; 4]);
    }
}
