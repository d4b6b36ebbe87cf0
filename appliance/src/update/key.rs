//! The key that a box knows its updates by: a line of 64 hexadecimal digits, on the checked root.

use ed25519_dalek::VerifyingKey;

use super::refusal::Refusal;

/// Where the image keeps its key.
pub const KEY: &str = "/usr/share/demon/update.pub";
/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// The key in a text; `name` is what a fault calls it.
///
/// # Errors
/// [`Refusal::NoKey`].
pub fn read_key(text: &str, name: &str) -> Result<VerifyingKey, Refusal> {
    let no = || Refusal::NoKey(name.to_owned());
    let mut bytes = [0; KEY_BYTES];
    hex(text.trim_ascii(), &mut bytes).ok_or_else(no)?;
    let key = VerifyingKey::from_bytes(&bytes).map_err(|_| no())?;
    // Under such a key there are signatures that fit many messages.
    if key.is_weak() { Err(no()) } else { Ok(key) }
}

/// Reads exactly as many digits as fill `out`.
pub(crate) fn hex(text: &str, out: &mut [u8]) -> Option<()> {
    let digits = text.as_bytes();
    if digits.len() != 2 * out.len() {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(())
}
