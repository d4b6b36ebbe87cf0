//! Versions: three numbers, and perhaps a word for what comes before a release. `1.2.0-rc1` is older than `1.2.0`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Longest word behind the numbers.
const WORD_MOST: usize = 32;

/// A version as `1.2.3` or `1.2.3-rc1`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Version {
    numbers: [u32; 3],
    /// Small letters, digits, `.` and `-`.
    before: Option<String>,
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let no = || {
            format!("`{}` is no version (expected three numbers as 1.2.3, perhaps with -rc1)", text.escape_default())
        };
        let (numbers, before) = match text.split_once('-') {
            Some((numbers, word)) => (numbers, Some(word)),
            None => (text, None),
        };
        let plain = |word: &str| {
            let is_plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'.' || it == b'-';
            (1..=WORD_MOST).contains(&word.len()) && word.bytes().all(is_plain)
        };
        if before.is_some_and(|word| !plain(word)) {
            return Err(no());
        }
        let mut found = numbers.split('.').map(|it| {
            // `parse` takes a sign, and a version has none; nor has it two spellings.
            let plain = it.bytes().all(|byte| byte.is_ascii_digit()) && (it == "0" || !it.starts_with('0'));
            it.parse::<u32>().ok().filter(|_| plain)
        });
        match (found.next().flatten(), found.next().flatten(), found.next().flatten(), found.next()) {
            (Some(major), Some(minor), Some(patch), None) => {
                Ok(Self { numbers: [major, minor, patch], before: before.map(str::to_owned) })
            }
            _ => Err(no()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(out, "{major}.{minor}.{patch}")?;
        self.before.as_ref().map_or(Ok(()), |word| write!(out, "-{word}"))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let words = match (&self.before, &other.before) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(one), Some(two)) => one.cmp(two),
        };
        self.numbers.cmp(&other.numbers).then(words)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
