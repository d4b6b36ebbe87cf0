//! A box whose power is cut: what was written and not synced may be lost, sector by sector and name by name, in any combination.

use std::collections::BTreeMap;
use std::io;

use super::install::SECTOR;
use super::kernels::{KernelFile, next};
use super::medium::{Half, Medium};

/// Of more pending writes than this not every combination is made, but every single loss, every single survivor, and none and all.
const ALL_OF: usize = 12;

/// Bytes, and what was written to them since the last sync.
#[derive(Clone, Debug, Default)]
pub(super) struct Stored {
    kept: Vec<u8>,
    pending: Vec<(u64, Vec<u8>)>,
}

impl Stored {
    fn put(kept: &mut Vec<u8>, at: u64, bytes: &[u8]) {
        let (at, end) = (at as usize, at as usize + bytes.len());
        if kept.len() < end {
            kept.resize(end, 0);
        }
        kept[at..end].copy_from_slice(bytes);
    }

    /// As a reader sees it while the power is on.
    fn now(&self) -> Vec<u8> {
        let mut all = self.kept.clone();
        self.pending.iter().for_each(|(at, bytes)| Self::put(&mut all, *at, bytes));
        all
    }

    fn write(&mut self, at: u64, bytes: &[u8]) {
        for (number, sector) in bytes.chunks(SECTOR).enumerate() {
            self.pending.push((at + (number * SECTOR) as u64, sector.to_vec()));
        }
    }

    fn sync(&mut self) {
        (self.kept, self.pending) = (self.now(), Vec::new());
    }
}

#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Made(String, u64),
    Gone(String),
    Renamed(String, String),
}

/// A box on paper.
#[derive(Clone, Debug, Default)]
pub(super) struct Paper {
    pub(super) halves: [Stored; 2],
    pub(super) files: BTreeMap<u64, Stored>,
    pub(super) names: BTreeMap<String, u64>,
    pub(super) kept_names: BTreeMap<String, u64>,
    pub(super) changes: Vec<NameChange>,
    /// Operations so far.
    pub(super) count: usize,
    /// Which were syncs, with what of.
    pub(super) syncs: Vec<(usize, String)>,
    /// The power goes with this operation.
    pub(super) cut: Option<usize>,
    /// This operation fails, and the others do not.
    pub(super) fails: Option<usize>,
    /// These syncs are forgotten.
    pub(super) forgotten: Vec<usize>,
    /// A byte of what is kept is turned at the sync.
    pub(super) wears_out: bool,
    pub(super) room: u64,
}

/// What a disk holds when the power comes back.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) halves: [Vec<u8>; 2],
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

impl Found {
    /// The kernel file that the boot loader starts: programs only, the newest that is not bad.
    pub(super) fn started(&self) -> Option<(KernelFile, &[u8])> {
        let programs = self.files.iter().filter(|it| it.1.starts_with(b"MZ"));
        let kernels: Vec<KernelFile> = programs.filter_map(|it| KernelFile::read(it.0)).collect();
        next(&kernels).map(|it| (it.clone(), self.files[&it.name].as_slice()))
    }
}

impl Paper {
    pub(super) fn with_kernel(mut self, name: &str, bytes: &[u8]) -> Self {
        let number = self.files.len() as u64;
        self.files.insert(number, Stored { kept: bytes.to_vec(), pending: Vec::new() });
        self.names.insert(name.to_owned(), number);
        self.kept_names.insert(name.to_owned(), number);
        self
    }

    pub(super) fn with_slot(mut self, root: &[u8], verity: &[u8]) -> Self {
        for (half, bytes) in self.halves.iter_mut().zip([root, verity]) {
            half.kept = bytes.to_vec();
            half.kept.resize(8 * SECTOR, 0);
        }
        self
    }

    /// One operation: whether it is done at all, and whether it is answered.
    fn step(&mut self, sync: Option<&str>) -> io::Result<bool> {
        let number = self.count;
        self.count += 1;
        if let Some(what) = sync {
            self.syncs.push((number, what.to_owned()));
        }
        if self.cut.is_some_and(|it| it < number) || self.fails == Some(number) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(!self.forgotten.contains(&number) && (sync.is_none() || self.cut != Some(number)))
    }

    fn file(&mut self, name: &str) -> io::Result<&mut Stored> {
        let number = *self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        self.files.get_mut(&number).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Every disk that may be found when the power comes back now.
    pub(super) fn found(&self) -> Vec<Found> {
        let data = self.halves.iter().chain(self.files.values()).map(|it| it.pending.len()).sum::<usize>();
        let count = data + self.changes.len();
        let choices: Vec<Vec<bool>> = if count <= ALL_OF {
            (0..1_u32 << count).map(|bits| (0..count).map(|it| bits >> it & 1 == 1).collect()).collect()
        } else {
            let one = |at: usize, but: bool| (0..count).map(|it| (it == at) != but).collect();
            let singles = (0..count).flat_map(|at| [one(at, false), one(at, true)]);
            singles.chain([vec![true; count], vec![false; count]]).collect()
        };
        choices.iter().map(|chosen| self.with(chosen)).collect()
    }

    fn with(&self, chosen: &[bool]) -> Found {
        let mut chosen = chosen.iter().copied();
        let mut keep = |it: &Stored| {
            let mut kept = it.kept.clone();
            for (at, bytes) in &it.pending {
                if chosen.next() == Some(true) {
                    Stored::put(&mut kept, *at, bytes);
                }
            }
            kept
        };
        let halves = [keep(&self.halves[0]), keep(&self.halves[1])];
        let contents: BTreeMap<u64, Vec<u8>> = self.files.iter().map(|(number, it)| (*number, keep(it))).collect();
        let mut names = self.kept_names.clone();
        for change in self.changes.iter().filter(|_| chosen.next() == Some(true)) {
            apply(&mut names, change);
        }
        Found { halves, files: names.into_iter().map(|(name, number)| (name, contents[&number].clone())).collect() }
    }

    fn change(&mut self, change: NameChange) {
        apply(&mut self.names, &change);
        self.changes.push(change);
    }
}

fn apply(names: &mut BTreeMap<String, u64>, change: &NameChange) {
    match change {
        NameChange::Made(name, number) => _ = names.insert(name.clone(), *number),
        NameChange::Gone(name) => _ = names.remove(name),
        NameChange::Renamed(name, to) => {
            if let Some(number) = names.remove(name) {
                names.insert(to.clone(), number);
            }
        }
    }
}

impl Medium for Paper {
    fn write_slot(&mut self, half: Half, at: u64, bytes: &[u8]) -> io::Result<()> {
        if self.step(None)? {
            self.halves[half as usize].write(at, bytes);
        }
        Ok(())
    }

    fn read_slot(&mut self, half: Half, at: u64, out: &mut [u8]) -> io::Result<()> {
        out.copy_from_slice(&self.halves[half as usize].now()[at as usize..][..out.len()]);
        Ok(())
    }

    fn sync_slot(&mut self, half: Half) -> io::Result<()> {
        if self.step(Some(half.name()))? {
            self.halves[half as usize].sync();
            if self.wears_out {
                self.halves[half as usize].kept[3] ^= 1;
            }
        }
        Ok(())
    }

    fn slot_bytes(&self, half: Half) -> u64 {
        self.halves[half as usize].kept.len() as u64
    }

    fn kernels(&self) -> io::Result<Vec<String>> {
        Ok(self.names.keys().cloned().collect())
    }

    fn kernel_bytes(&self, name: &str) -> io::Result<u64> {
        Ok(self.files[&self.names[name]].now().len() as u64)
    }

    fn write_kernel(&mut self, name: &str, at: u64, bytes: &[u8]) -> io::Result<()> {
        if self.step(None)? {
            if !self.names.contains_key(name) {
                let number = self.files.len() as u64;
                self.files.insert(number, Stored::default());
                self.change(NameChange::Made(name.to_owned(), number));
            }
            self.file(name)?.write(at, bytes);
        }
        Ok(())
    }

    fn read_kernel(&mut self, name: &str, at: u64, out: &mut [u8]) -> io::Result<()> {
        let all = self.file(name)?.now();
        out.copy_from_slice(all.get(at as usize..at as usize + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn sync_kernel(&mut self, name: &str) -> io::Result<()> {
        if self.step(Some("kernel"))? {
            self.file(name)?.sync();
        }
        Ok(())
    }

    fn remove_kernel(&mut self, name: &str) -> io::Result<()> {
        if self.step(None)? {
            self.change(NameChange::Gone(name.to_owned()));
        }
        Ok(())
    }

    fn rename_kernel(&mut self, name: &str, to: &str) -> io::Result<()> {
        if self.step(None)? {
            self.change(NameChange::Renamed(name.to_owned(), to.to_owned()));
        }
        Ok(())
    }

    fn sync_names(&mut self) -> io::Result<()> {
        if self.step(Some("names"))? {
            self.kept_names = self.names.clone();
            self.changes.clear();
        }
        Ok(())
    }

    fn room(&self) -> io::Result<u64> {
        Ok(self.room)
    }
}
