//! Where the parts of a model lie.
//!
//! A model is named by the folder of its denoiser. Codec and text encoder lie inside that folder or beside it, as the
//! published checkpoints do: `checkpoints/acestep-v15-turbo`, `checkpoints/vae`, `checkpoints/Qwen3-Embedding-0.6B`. A folder
//! that is named by a link, or through `..`, has two neighbourhoods: that of the name and that of the folder itself. Both are
//! looked at, and that of the file itself where the configuration is a link. In a download cache (`models--X/snapshots/HASH`)
//! the snapshot is the folder, and its files are links.
//! Everything that is missing is said at once, with the paths that were tried.

use std::path::{Path, PathBuf};

use super::checkpoint::Checkpoint;

/// Names of the codec's folder.
const CODEC_FOLDERS: [&str; 1] = ["vae"];
/// Names of the text encoder's folder.
const TEXT_FOLDERS: [&str; 2] = ["text_encoder", "Qwen3-Embedding-0.6B"];

/// The files of a whole model; all of them exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFolder {
    /// Denoiser, condition encoder and audio tokenizer.
    pub denoiser: PartFiles,
    /// `silence_latent.pt`, beside the denoiser's configuration.
    pub silence: PathBuf,
    /// The codec.
    pub codec: PartFiles,
    /// The text encoder.
    pub text: PartFiles,
    /// `tokenizer.json`, beside the text encoder's configuration.
    pub tokenizer: PathBuf,
}

/// Configuration and weights of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartFiles {
    /// `config.json`.
    pub config: PathBuf,
    /// The safetensors file, or the index of several.
    pub weights: PathBuf,
}

/// Parts of a model that are not where they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} is not a complete model; missing: {}. The published models are the repositories ACE-Step/Ace-Step1.5 (turbo, vae \
     and Qwen3-Embedding-0.6B) and ACE-Step/acestep-v15-xl-turbo on huggingface.co; the built-in model lies in models/",
    folder.display(),
    missing.join(", ")
)]
pub struct MissingParts {
    /// The folder that was named.
    pub folder: PathBuf,
    /// What is missing, with full paths.
    pub missing: Vec<String>,
}

impl ModelFolder {
    /// Looks for the parts; reads none of them.
    ///
    /// # Errors
    /// [`MissingParts`] with everything that is not there.
    pub fn find(folder: &Path) -> Result<Self, MissingParts> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let folder = snapshot(&folder).unwrap_or(folder);
        let mut search = Search { missing: Vec::new() };
        let denoiser = search.part(&folder);
        let silence = search.file(folder.join("silence_latent.pt"));
        let codec_folder = search.folder(&folder, &CODEC_FOLDERS);
        let text_folder = search.folder(&folder, &TEXT_FOLDERS);
        let codec = codec_folder.and_then(|it| search.part(&it));
        let text = text_folder.as_ref().and_then(|it| search.part(it));
        let tokenizer = text_folder.and_then(|it| search.file(it.join("tokenizer.json")));
        match (denoiser, silence, codec, text, tokenizer) {
            (Some(denoiser), Some(silence), Some(codec), Some(text), Some(tokenizer)) => {
                Ok(Self { denoiser, silence, codec, text, tokenizer })
            }
            _ => Err(MissingParts { folder, missing: search.missing }),
        }
    }
}

/// The snapshot in a download cache's folder of a repository: the one that `refs/main` names, or the only one.
fn snapshot(folder: &Path) -> Option<PathBuf> {
    let snapshots = folder.join("snapshots");
    if folder.join("config.json").exists() || !snapshots.is_dir() {
        return None;
    }
    let main = folder.join("refs/main");
    let named = main.is_file().then(|| std::fs::read_to_string(main).ok()).flatten();
    let named = named.map(|it| snapshots.join(it.trim())).filter(|it| it.join("config.json").exists());
    named.or_else(|| {
        let mut all = std::fs::read_dir(&snapshots).ok()?.filter_map(Result::ok).map(|it| it.path());
        all.next().filter(|_| all.next().is_none())
    })
}

struct Search {
    missing: Vec<String>,
}

impl Search {
    /// The first of `names` inside `folder`, else beside it: beside the name, and beside what it names.
    fn folder(&mut self, folder: &Path, names: &[&str]) -> Option<PathBuf> {
        let mut places = vec![folder.to_owned()];
        places.extend(folder.parent().filter(|_| folder.file_name().is_some()).map(Path::to_owned));
        let real = std::fs::canonicalize(folder).ok();
        let of_file =
            std::fs::canonicalize(folder.join("config.json")).ok().and_then(|it| Some(it.parent()?.to_owned()));
        places.extend([real, of_file].into_iter().flatten().filter_map(|it| Some(it.parent()?.to_owned())));
        let mut tried: Vec<PathBuf> = Vec::new();
        for path in places.iter().flat_map(|place| names.iter().map(|name| place.join(name))) {
            if !tried.contains(&path) {
                tried.push(path);
            }
        }
        let found = tried.iter().find(|it| it.is_dir()).cloned();
        if found.is_none() {
            let tried: Vec<String> = tried.iter().map(|it| it.display().to_string()).collect();
            self.missing.push(tried.join(" or "));
        }
        found
    }

    fn part(&mut self, folder: &Path) -> Option<PartFiles> {
        let config = self.file(folder.join("config.json"));
        let weights = Checkpoint::find(folder);
        if weights.is_none() {
            self.missing.push(format!("{} (or an index of several files)", folder.join("model.safetensors").display()));
        }
        Some(PartFiles { config: config?, weights: weights? })
    }

    fn file(&mut self, path: PathBuf) -> Option<PathBuf> {
        let is_there = path.is_file();
        if !is_there {
            self.missing.push(path.display().to_string());
        }
        is_there.then_some(path)
    }
}

#[cfg(test)]
mod tests {
    //! Goal: both layouts are found, and what is missing is said whole.

    use super::*;

    fn touch(folder: &Path, files: &[&str]) {
        for file in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().expect("files lie in folders")).expect("folders can be made");
            std::fs::write(path, b"").expect("files can be written");
        }
    }

    #[test]
    fn parts_are_found_inside_the_folder_and_beside_it() {
        let top = tempfile::tempdir().expect("a temporary folder can be made");
        touch(top.path(), &["dit/config.json", "dit/model.safetensors.index.json", "dit/silence_latent.pt"]);
        touch(top.path(), &["vae/config.json", "vae/diffusion_pytorch_model.safetensors"]);
        touch(top.path(), &["dit/text_encoder/config.json", "dit/text_encoder/model.safetensors"]);
        touch(top.path(), &["dit/text_encoder/tokenizer.json"]);
        let found = ModelFolder::find(&top.path().join("dit")).expect("it is complete");
        assert_eq!(found.denoiser.weights, top.path().join("dit/model.safetensors.index.json"));
        assert_eq!(found.codec.weights, top.path().join("vae/diffusion_pytorch_model.safetensors"));
        assert_eq!(found.tokenizer, top.path().join("dit/text_encoder/tokenizer.json"));
    }

    #[test]
    fn a_folder_that_is_named_by_a_link_or_through_its_parent_is_found_with_its_neighbours() {
        use std::os::unix::fs::symlink;
        let top = tempfile::tempdir().expect("a temporary folder can be made");
        let at = |name: &str| top.path().join(name);
        touch(top.path(), &["x/turbo/config.json", "x/turbo/model.safetensors", "x/turbo/silence_latent.pt"]);
        touch(top.path(), &["x/vae/config.json", "x/vae/model.safetensors", "x/turbo/inside/file"]);
        touch(top.path(), &["x/text_encoder/config.json", "x/text_encoder/model.safetensors"]);
        touch(top.path(), &["x/text_encoder/tokenizer.json"]);
        symlink(at("x/turbo"), at("current")).expect("a link");
        std::fs::create_dir(at("of links")).expect("a folder");
        for file in ["config.json", "model.safetensors", "silence_latent.pt"] {
            symlink(at("x/turbo").join(file), at("of links").join(file)).expect("a link");
        }
        let codec = std::fs::canonicalize(at("x/vae/config.json")).expect("it is there");
        for name in ["x/turbo", "current", "x/turbo/inside/..", "current/inside/..", "x/./turbo", "of links"] {
            let found = ModelFolder::find(&at(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(std::fs::canonicalize(found.codec.config).expect("it is there"), codec, "{name}");
        }
    }

    #[test]
    fn a_download_cache_is_a_folder_too() {
        use std::os::unix::fs::symlink;
        let top = tempfile::tempdir().expect("a temporary folder can be made");
        let repository = top.path().join("models--A--b");
        touch(&repository, &["blobs/1", "refs/main", "snapshots/old/README.md"]);
        std::fs::write(repository.join("refs/main"), "new\n").expect("it can be written");
        for file in ["config.json", "model.safetensors", "silence_latent.pt"] {
            for part in ["", "vae/", "text_encoder/"] {
                let link = repository.join("snapshots/new").join(part).join(file);
                std::fs::create_dir_all(link.parent().expect("a folder")).expect("folders can be made");
                symlink(repository.join("blobs/1"), link).expect("a link");
            }
        }
        symlink("../../../blobs/1", repository.join("snapshots/new/text_encoder/tokenizer.json")).expect("a link");
        let found = ModelFolder::find(&repository).expect("its snapshot");
        assert_eq!(found, ModelFolder::find(&repository.join("snapshots/new")).expect("itself"));
        assert_eq!(found.codec.config, repository.join("snapshots/new/vae/config.json"));
    }

    #[test]
    fn everything_that_is_missing_is_said_with_its_path() {
        let top = tempfile::tempdir().expect("a temporary folder can be made");
        touch(top.path(), &["dit/config.json", "vae/config.json"]);
        let error = ModelFolder::find(&top.path().join("dit")).expect_err("nearly nothing is there");
        let at = |file: &str| top.path().join(file).display().to_string();
        let text = ["dit/text_encoder", "dit/Qwen3-Embedding-0.6B", "text_encoder", "Qwen3-Embedding-0.6B"].map(at);
        let wanted = [
            format!("{} (or an index of several files)", at("dit/model.safetensors")),
            at("dit/silence_latent.pt"),
            text.join(" or "),
            format!("{} (or an index of several files)", at("vae/model.safetensors")),
        ];
        assert_eq!(error.missing, wanted);
        assert!(error.to_string().contains("ACE-Step/Ace-Step1.5"), "{error}");
    }
}
