//! The root of the tree of hashes over a file system, as dm-verity has it (format 1, SHA-256, blocks of 4096 bytes, the salt before each block): from
//! the kernel's documentation of the device-mapper target `verity`.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

/// Bytes of a block.
pub const BLOCK: u64 = 4096;
const BYTES: usize = BLOCK as usize;
const HASH: usize = 32;

/// The root over `blocks` blocks that are read from `from`. Takes 32 bytes of memory a block.
///
/// # Errors
/// When it ends before, or cannot be read.
pub fn root_hash(from: &mut impl Read, blocks: u64, salt: &[u8]) -> io::Result<[u8; HASH]> {
    let mut block = [0; BYTES];
    let mut level = Vec::new();
    for _ in 0..blocks {
        from.read_exact(&mut block)?;
        level.extend_from_slice(&hash(salt, &block));
    }
    loop {
        // A level's last block is filled up with nothing.
        level.resize(level.len().next_multiple_of(BYTES), 0);
        let above: Vec<u8> = level.chunks_exact(BYTES).flat_map(|it| hash(salt, it)).collect();
        if let Ok(root) = <[u8; HASH]>::try_from(above.as_slice()) {
            return Ok(root);
        }
        level = above;
    }
}

fn hash(salt: &[u8], block: &[u8]) -> [u8; HASH] {
    Sha256::new().chain_update(salt).chain_update(block).finalize().into()
}
