//! Where TensorRT is looked for: folders in an order, and in each the shim of one flavour after the other.
//!
//! Reads the environment and asks which files exist; opens nothing.

use std::path::{Path, PathBuf};

/// The folder that `$DEMON_TENSORRT` names is the only one that is searched: a choice that was made is not replaced silently.
const CHOICE: &str = "DEMON_TENSORRT";
/// Where a package or the box's image puts the libraries.
const INSTALLED: &str = "/usr/lib/demon";

/// The two products that are called TensorRT. Their plans are not interchangeable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// TensorRT for RTX: consumer cards; plans are finished by a compiler at load time.
    Rtx,
    /// TensorRT 11: data-centre cards too; plans are finished at build time, on the card that will run them.
    Datacentre,
}

impl Flavour {
    /// A word for file names and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rtx => "rtx",
            Self::Datacentre => "datacentre",
        }
    }

    pub(crate) fn shim(self) -> &'static str {
        match self {
            Self::Rtx => "libdemon_tensorrt_rtx.so",
            Self::Datacentre => "libdemon_tensorrt.so",
        }
    }

    pub(crate) fn infer(self) -> &'static str {
        match self {
            Self::Rtx => "libtensorrt_rtx.so.1",
            Self::Datacentre => "libnvinfer.so.11",
        }
    }

    pub(crate) fn parser(self) -> &'static str {
        match self {
            Self::Rtx => "libtensorrt_onnxparser_rtx.so.1",
            Self::Datacentre => "libnvonnxparser.so.11",
        }
    }
}

/// Where to look, and for what.
#[derive(Clone, Debug)]
pub struct Search {
    /// Folders, the first that holds a shim decides.
    pub folders: Vec<PathBuf>,
    /// Flavours, tried in this order within a folder.
    pub flavours: Vec<Flavour>,
    /// The driver's library; a bare name is looked for where the system keeps libraries.
    pub cuda: PathBuf,
}

impl Search {
    /// One folder and no other.
    #[must_use]
    pub fn only(folder: &Path) -> Self {
        Self {
            folders: vec![folder.to_owned()],
            flavours: vec![Flavour::Rtx, Flavour::Datacentre],
            cuda: PathBuf::from("libcuda.so.1"),
        }
    }

    /// The folder `$DEMON_TENSORRT` where that is set; else beside the binary, `/usr/lib/demon`, and `target/tensorrt` of the
    /// source tree that the binary was built in.
    #[must_use]
    pub fn usual() -> Self {
        let choice = std::env::var_os(CHOICE).map(PathBuf::from);
        let binary = std::env::current_exe().ok();
        Self { folders: folders(choice, binary.as_deref()), ..Self::only(Path::new(INSTALLED)) }
    }

    /// Every shim that is looked for, in order.
    pub(crate) fn shims(&self) -> impl Iterator<Item = (Flavour, &Path, PathBuf)> {
        self.folders.iter().flat_map(|folder| {
            self.flavours.iter().map(|flavour| (*flavour, folder.as_path(), folder.join(flavour.shim())))
        })
    }
}

fn folders(choice: Option<PathBuf>, binary: Option<&Path>) -> Vec<PathBuf> {
    if let Some(choice) = choice {
        return vec![choice];
    }
    let mut found: Vec<PathBuf> = binary.and_then(Path::parent).map(Path::to_owned).into_iter().collect();
    found.push(PathBuf::from(INSTALLED));
    let target =
        binary.into_iter().flat_map(Path::ancestors).find(|it| it.file_name().is_some_and(|name| name == "target"));
    found.extend(target.map(|it| it.join("tensorrt")));
    found
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::folders;

    #[test]
    fn a_chosen_folder_is_the_only_one() {
        assert_eq!(folders(Some("/opt/trt".into()), Some(Path::new("/usr/bin/demon"))), [PathBuf::from("/opt/trt")]);
    }

    #[test]
    fn a_source_tree_is_found_from_its_binaries() {
        let binary = Path::new("/home/it/demon/target/debug/deps/tests-1");
        let wanted = ["/home/it/demon/target/debug/deps", "/usr/lib/demon", "/home/it/demon/target/tensorrt"];
        assert_eq!(folders(None, Some(binary)), wanted.map(PathBuf::from));
        assert_eq!(folders(None, Some(Path::new("/usr/bin/demon"))), ["/usr/bin", "/usr/lib/demon"].map(PathBuf::from));
    }
}
