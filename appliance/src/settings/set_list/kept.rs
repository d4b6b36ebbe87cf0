//! The files of what was kept: scenes that a hand kept and that are not in their patch's own file.
//!
//! One file a patch in the folder `kept` of the state folder, called as the patch is, with a few letters for the folder that the patch lies
//! in. It is a patch of nothing but scenes, which a person reads, edits and takes away. It is written as scenes are kept, and gone when all
//! of them stand in the patch.

use std::path::{Path, PathBuf};

use super::{Listed, SetList};
use crate::files::document::lines;
use crate::files::{is_there, shown};
use crate::settings::patch::Patch;

/// The folder's name in the state folder.
const FOLDER: &str = "kept";
/// Letters that stand for a patch's folder.
const LETTERS: usize = 8;

/// A file of what was kept, and what it is to hold; nothing where it is to go.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptFile {
    /// The file.
    pub path: PathBuf,
    /// What it is to hold.
    pub scenes: Option<Box<Patch>>,
}

impl SetList {
    /// Takes what was kept of every patch in a state folder over what their files say; answers what is wrong with it, in words.
    #[must_use]
    pub fn take_kept(&mut self, state: &Path) -> Vec<String> {
        let mut told = Vec::new();
        for listed in self.patches.values_mut().flatten() {
            listed.know_its_place();
            let path = file_of(state, listed);
            if !is_there(&path) {
                continue;
            }
            match Patch::load_sound(&path) {
                Ok((kept, faults)) => {
                    listed.take_kept(&kept);
                    told.extend((!faults.is_empty()).then(|| lines(&path, &faults)));
                }
                Err(error) => told.push(error.to_string()),
            }
        }
        told
    }

    /// What was kept since the last call, by file.
    pub fn kept_files(&mut self, state: &Path) -> Vec<KeptFile> {
        let mut files = Vec::new();
        for listed in self.patches.values_mut().flatten() {
            if std::mem::take(&mut listed.changed) {
                files.push(KeptFile { path: file_of(state, listed), scenes: listed.kept().map(Box::new) });
            }
        }
        files
    }
}

impl Listed {
    /// Finds out what its file of kept scenes is called: by its name, and by its folder wherever a link to it stands. Asks the disk.
    pub fn know_its_place(&mut self) {
        let folder = self.folder().map(|it| std::fs::canonicalize(it).unwrap_or_else(|_| it.to_owned()));
        let letters = folder.map(|it| blake3::hash(it.as_os_str().as_encoded_bytes()).to_hex()[..LETTERS].to_owned());
        self.place = letters.map_or_else(String::new, |it| format!("-{it}"));
    }
}

/// The file of a patch. One without a file of its own goes by its name alone.
fn file_of(state: &Path, listed: &Listed) -> PathBuf {
    // A name is a file's own, or what a display makes of it; neither leads elsewhere.
    state.join(FOLDER).join(format!("{}{}.toml", shown(&listed.name), listed.place).replace('/', "_"))
}

#[cfg(test)]
mod tests {
    use super::SetList;
    use crate::settings::patch::Patch;
    use crate::settings::set_list::Listed;

    #[test]
    fn two_patches_of_one_name_in_two_folders_have_two_files_and_faults_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state");
        let list = |of: &str| {
            let at = folder.path().join(of);
            std::fs::create_dir_all(&at).expect("a disk");
            std::fs::write(at.join("1_a.toml"), "").expect("a disk");
            SetList::of_folder(Some(&at)).expect("a folder").0.starting_with(Listed::default())
        };
        let (mut one, mut other) = (list("one"), list("other"));
        assert!(one.take_kept(&state).is_empty() && other.take_kept(&state).is_empty());
        one.go(1);
        let mut scenes = one.playing().expect("a patch").scenes;
        scenes[0] = Some(Patch::default().values);
        one.keep(&scenes);
        let files = one.kept_files(&state);
        assert_eq!((files.len(), one.kept_files(&state).len()), (1, 0));
        let path = &files[0].path;
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a disk");
        let text = files[0].scenes.as_ref().expect("a scene").to_text();
        std::fs::write(path, format!("{text}\nnonsense = 1\n")).expect("a disk");
        let told = list("one").take_kept(&state);
        assert!(told.len() == 1 && told[0].contains("nonsense"), "{told:?}");
        assert_eq!(other.take_kept(&state), Vec::<String>::new());
        other.go(1);
        assert_eq!(other.playing().map(|it| it.scenes[0]), Some(None));
    }
}
