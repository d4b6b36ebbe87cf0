//! Writing an update, in an order in which a loss of power at any moment leaves a version that starts.
//!
//! 1. The whole file is looked at first: signature, sums, room. Nothing is written before.
//! 2. The other slot's kernel file loses its first sector, by which firmware knows a program: from here on only what runs can start.
//! 3. Root and hashes go into the other slot, are synced, and read back from the disk.
//! 4. The kernel file is written under its last name, all but its first sector, synced with its name, and read back. It is no program yet.
//! 5. Its first sector is written: one sector is written whole or not at all, so either version starts, and nothing between.
//!
//! A boot partition is FAT, which has no journal; so nothing that matters hangs on a change of names being whole. `install_tests` cut the power
//! at every step, with every part of what was not synced lost, and take every sync away to see that it is missed.

use std::io::{self, Read, Seek, SeekFrom};

use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

use super::fit::{Here, fits};
use super::kernels::{KernelFile, Standing};
use super::manifest::{Manifest, Part};
use super::medium::{Half, Medium};
use super::package::Package;
use super::refusal::Refusal;

/// What a disk writes whole or not at all.
pub const SECTOR: usize = 512;
/// After so many bytes it is waited for the disk, so that never more than this stands before what others want of it.
const SYNC_BYTES: u64 = 4 << 20;
/// Read back in pieces of this size.
const PIECE: usize = 256 << 10;

/// What is being done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// The file is looked at.
    Check,
    /// It is written.
    Write,
    /// What was written is read back.
    ReadBack,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// Bytes that are done of it.
    pub done: u64,
    /// Bytes of all.
    pub of: u64,
}

impl Progress {
    /// Of everything together, in per cent: looking and reading back are a quarter each.
    #[must_use]
    pub fn percent(&self) -> u64 {
        let part = |most: u64| self.done.min(self.of) * most / self.of.max(1);
        match self.step {
            Step::Check => part(25),
            Step::Write => 25 + part(50),
            Step::ReadBack => 75 + part(25),
        }
    }
}

/// Writes an update into the other slot. `told` hears how far it is after each piece, and may take its time, which is how the pace is bounded.
/// Nothing is started or restarted; the next start takes the new version.
///
/// # Errors
/// [`Refusal`]; then the next start takes what would have been taken before.
pub fn install<R: Read + Seek>(
    mut file: R,
    key: &VerifyingKey,
    here: &Here,
    forced: bool,
    medium: &mut dyn Medium,
    told: &mut dyn FnMut(Progress),
) -> Result<Manifest, Refusal> {
    let manifest = look(&mut file, key, here, forced, medium, told)?;
    let running = running(&here.version, medium)?;
    clear(&here.version, medium)?;
    file.seek(SeekFrom::Start(0))?;
    let mut package = Package::open(&mut file, key)?;
    let of = manifest.bytes();
    let mut before = 0;
    for half in [Half::Root, Half::Verity] {
        before += write_half(&mut package, half, medium, &mut |done| told(progress(Step::Write, before + done, of)))?;
    }
    let name = KernelFile::to_try(&manifest.version);
    let (first, bytes) = write_kernel(&mut package, &name, medium, &mut |done| {
        told(progress(Step::Write, before + done, of));
    })?;
    // Whatever stands behind the last part is said here, before anything counts.
    package.part(&mut |_| Ok(()))?;
    read_back(&manifest, &name, &first, medium, &mut |done| told(progress(Step::ReadBack, done, of)))?;
    debug_assert_eq!(bytes, manifest.parts[2].bytes);
    medium.write_kernel(&name, 0, &first).map_err(Refusal::Write)?;
    medium.sync_kernel(&name).map_err(Refusal::Write)?;
    if manifest.version < running.version {
        // The boot loader takes the newest; so what is newer has to stand back.
        step_back(&running, medium)?;
    }
    Ok(manifest)
}

/// Looks at the whole file and at the room for it; nothing is written.
fn look<R: Read + Seek>(
    file: &mut R,
    key: &VerifyingKey,
    here: &Here,
    forced: bool,
    medium: &dyn Medium,
    told: &mut dyn FnMut(Progress),
) -> Result<Manifest, Refusal> {
    let package = Package::open(&mut *file, key)?;
    let room = room(&here.version, medium)?;
    fits(package.manifest(), &Here { kernel_room: Some(room), ..here.clone() }, forced)?;
    for (half, part) in [Half::Root, Half::Verity].into_iter().zip(&package.manifest().parts) {
        let room = medium.slot_bytes(half);
        if room < part.bytes {
            return Err(Refusal::NoRoom { part: part.name.to_owned(), bytes: part.bytes, room });
        }
    }
    let running = running(&here.version, medium)?;
    if running.standing != Standing::Fit {
        return Err(Refusal::OnTrial(running.version));
    }
    let of = package.manifest().bytes();
    package.check(&mut |done| told(progress(Step::Check, done, of)))
}

const fn progress(step: Step, done: u64, of: u64) -> Progress {
    Progress { step, done, of }
}

/// Kernel files that are ours.
pub(super) fn kernels(medium: &dyn Medium) -> Result<Vec<KernelFile>, Refusal> {
    let names = medium.kernels().map_err(Refusal::Write)?;
    Ok(names.iter().filter_map(|it| KernelFile::read(it)).collect())
}

/// The kernel file of what runs.
fn running(version: &super::Version, medium: &dyn Medium) -> Result<KernelFile, Refusal> {
    let found = kernels(medium)?.into_iter().find(|it| it.version == *version);
    found.ok_or_else(|| Refusal::NoBox(format!("the boot partition has no kernel of version {version}, which runs")))
}

/// Bytes for a kernel file when those of other versions are gone.
fn room(version: &super::Version, medium: &dyn Medium) -> Result<u64, Refusal> {
    let mut room = medium.room().map_err(Refusal::Write)?;
    for other in kernels(medium)?.iter().filter(|it| it.version != *version) {
        room += medium.kernel_bytes(&other.name).map_err(Refusal::Write)?;
    }
    Ok(room)
}

/// Whatever is not what runs can start no more: its slot is about to change.
fn clear(version: &super::Version, medium: &mut dyn Medium) -> Result<(), Refusal> {
    let others: Vec<KernelFile> = kernels(medium)?.into_iter().filter(|it| it.version != *version).collect();
    for other in &others {
        medium.write_kernel(&other.name, 0, &[0; SECTOR]).map_err(Refusal::Write)?;
        medium.sync_kernel(&other.name).map_err(Refusal::Write)?;
        medium.remove_kernel(&other.name).map_err(Refusal::Write)?;
    }
    // On FAT what was free becomes another file's: a name that came back must not lead there.
    if others.is_empty() { Ok(()) } else { medium.sync_names().map_err(Refusal::Write) }
}

/// Writes a half of the slot and waits until it is on the disk.
fn write_half<R: Read>(
    package: &mut Package<R>,
    half: Half,
    medium: &mut dyn Medium,
    told: &mut dyn FnMut(u64),
) -> Result<u64, Refusal> {
    let (mut at, mut unsynced, mut failed) = (0, 0, None);
    let part = package.part(&mut |piece| {
        let length = piece.len() as u64;
        let mut done = medium.write_slot(half, at, piece);
        (at, unsynced) = (at + length, unsynced + length);
        if done.is_ok() && SYNC_BYTES <= unsynced {
            unsynced = 0;
            done = medium.sync_slot(half);
        }
        told(at);
        stop_at(done, &mut failed)
    });
    of_part(part, failed)?;
    medium.sync_slot(half).map_err(Refusal::Write)?;
    Ok(at)
}

/// Writes the kernel file but for its first sector, and answers that.
fn write_kernel<R: Read>(
    package: &mut Package<R>,
    name: &str,
    medium: &mut dyn Medium,
    told: &mut dyn FnMut(u64),
) -> Result<(Vec<u8>, u64), Refusal> {
    let (mut at, mut first, mut failed) = (0_u64, Vec::with_capacity(SECTOR), None);
    let part = package.part(&mut |piece| {
        let kept = (SECTOR - first.len()).min(piece.len());
        first.extend_from_slice(&piece[..kept]);
        let mut done = Ok(());
        if 0 < kept {
            done = medium.write_kernel(name, at, &[0; SECTOR][..kept]);
        }
        if done.is_ok() && kept < piece.len() {
            done = medium.write_kernel(name, at + kept as u64, &piece[kept..]);
        }
        at += piece.len() as u64;
        told(at);
        stop_at(done, &mut failed)
    });
    of_part(part, failed)?;
    medium.sync_kernel(name).map_err(Refusal::Write)?;
    medium.sync_names().map_err(Refusal::Write)?;
    Ok((first, at))
}

/// A write that failed ends the reading too; which of the two it was is kept.
fn stop_at(done: io::Result<()>, failed: &mut Option<io::Error>) -> io::Result<()> {
    done.map_err(|error| {
        let kind = error.kind();
        *failed = Some(error);
        kind.into()
    })
}

fn of_part(part: Result<Option<Part>, Refusal>, failed: Option<io::Error>) -> Result<(), Refusal> {
    match failed {
        Some(error) => Err(Refusal::Write(error)),
        None => part.map(|_| ()),
    }
}

/// Reads everything back from the disk and holds it against what was signed.
fn read_back(
    manifest: &Manifest,
    name: &str,
    first: &[u8],
    medium: &mut dyn Medium,
    told: &mut dyn FnMut(u64),
) -> Result<(), Refusal> {
    let mut before = 0;
    for part in &manifest.parts {
        let (mut at, mut sum, mut piece) = (0, Sha256::new(), vec![0; PIECE]);
        while at < part.bytes {
            let length = usize::try_from(part.bytes - at).unwrap_or(PIECE).min(PIECE);
            let out = &mut piece[..length];
            match part.name {
                "root" => medium.read_slot(Half::Root, at, out),
                "verity" => medium.read_slot(Half::Verity, at, out),
                _ => medium.read_kernel(name, at, out),
            }
            .map_err(Refusal::Write)?;
            if part.name == "kernel" && at == 0 {
                let begin = first.len().min(length);
                out[..begin].copy_from_slice(&first[..begin]);
            }
            sum.update(&*out);
            at += length as u64;
            told(before + at);
        }
        if sum.finalize().as_slice() != part.sha256 {
            return Err(Refusal::NotKept(part.name.to_owned()));
        }
        before += part.bytes;
    }
    Ok(())
}

/// What runs is no longer what the boot loader takes first.
pub(super) fn step_back(running: &KernelFile, medium: &mut dyn Medium) -> Result<(), Refusal> {
    let left = KernelFile::left(&running.version);
    medium.rename_kernel(&running.name, &left).map_err(Refusal::Write)?;
    medium.sync_names().map_err(Refusal::Write)
}
