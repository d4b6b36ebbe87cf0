//! Just enough of the zip format to find the entries that `torch.save` stores: central directory, no compression.
//!
//! Every offset is checked against the file and every entry against its checksum.

/// Bytes of the record that ends an archive, without its comment.
const END_BYTES: usize = 22;
/// Longest comment that may follow it.
const LONGEST_COMMENT: usize = 0xFFFF;
/// Most entries accepted; one tensor needs about five.
const MOST_ENTRIES: usize = 1024;

/// Names and contents of all entries.
///
/// # Errors
/// What is wrong, in words.
pub fn entries(file: &[u8]) -> Result<Vec<(String, &[u8])>, String> {
    let end = find_end(file).ok_or("no zip directory, expected an archive written by torch.save")?;
    let count = usize::from(u16_at(file, end + 10)?);
    if MOST_ENTRIES < count {
        return Err(format!("{count} entries, expected at most {MOST_ENTRIES}"));
    }
    let mut at = u32_at(file, end + 16)? as usize;
    let mut found = Vec::with_capacity(count);
    for _ in 0..count {
        if slice(file, at, 4)? != b"PK\x01\x02" {
            return Err(format!("no directory entry at byte {at}"));
        }
        let (name_bytes, extra, comment) = (u16_at(file, at + 28)?, u16_at(file, at + 30)?, u16_at(file, at + 32)?);
        let name = slice(file, at + 46, name_bytes.into())?;
        let name = std::str::from_utf8(name).map_err(|_| format!("entry name at byte {at} is not UTF-8"))?.to_owned();
        let contents = contents(file, at, &name)?;
        found.push((name, contents));
        at += 46 + usize::from(name_bytes) + usize::from(extra) + usize::from(comment);
    }
    Ok(found)
}

/// The only entry whose name ends so.
///
/// # Errors
/// When there is none or more than one.
pub fn ending<'a>(entries: &'a [(String, &'a [u8])], ending: &str) -> Result<(&'a str, &'a [u8]), String> {
    let mut fitting = entries.iter().filter(|(name, _)| name.ends_with(ending));
    match (fitting.next(), fitting.next()) {
        (Some((name, bytes)), None) => Ok((name, bytes)),
        (None, _) => Err(format!("no entry `*{ending}` in the archive")),
        (Some(_), Some(_)) => Err(format!("several entries `*{ending}` in the archive")),
    }
}

/// What the directory entry at `at` points to.
fn contents<'a>(file: &'a [u8], at: usize, name: &str) -> Result<&'a [u8], String> {
    let method = u16_at(file, at + 10)?;
    if method != 0 {
        return Err(format!("entry `{name}` is compressed (method {method}), expected it stored"));
    }
    let (checksum, packed, size) = (u32_at(file, at + 16)?, u32_at(file, at + 20)?, u32_at(file, at + 24)?);
    if packed != size {
        return Err(format!("entry `{name}`: {packed} stored bytes for {size}"));
    }
    let local = u32_at(file, at + 42)? as usize;
    if slice(file, local, 4)? != b"PK\x03\x04" {
        return Err(format!("entry `{name}`: no entry at byte {local}"));
    }
    let (name_bytes, extra) = (u16_at(file, local + 26)?, u16_at(file, local + 28)?);
    let bytes = slice(file, local + 30 + usize::from(name_bytes) + usize::from(extra), size as usize)?;
    if crc32(bytes) != checksum {
        return Err(format!("entry `{name}`: checksum does not fit, the file is damaged"));
    }
    Ok(bytes)
}

fn find_end(file: &[u8]) -> Option<usize> {
    let last = file.len().checked_sub(END_BYTES)?;
    let first = last.saturating_sub(LONGEST_COMMENT);
    (first..=last).rev().find(|&at| file[at..].starts_with(b"PK\x05\x06"))
}

fn slice(file: &[u8], at: usize, len: usize) -> Result<&[u8], String> {
    let cut = || format!("truncated: {len} bytes at {at} of {}", file.len());
    file.get(at..at.checked_add(len).ok_or_else(cut)?).ok_or_else(cut)
}

fn u16_at(file: &[u8], at: usize) -> Result<u16, String> {
    slice(file, at, 2).map(|it| u16::from_le_bytes([it[0], it[1]]))
}

fn u32_at(file: &[u8], at: usize) -> Result<u32, String> {
    slice(file, at, 4).map(|it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]))
}

/// The checksum of the zip format: polynomial 0xEDB88320, reflected.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut value = byte as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 { 0xEDB8_8320 ^ (value >> 1) } else { value >> 1 };
                bit += 1;
            }
            table[byte] = value;
            byte += 1;
        }
        table
    };
    !bytes.iter().fold(u32::MAX, |sum, &byte| TABLE[usize::from(sum as u8 ^ byte)] ^ (sum >> 8))
}
