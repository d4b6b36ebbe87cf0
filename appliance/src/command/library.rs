//! `demon library`: what is in the library, what is wrong with it, and bringing something in.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::files::{plain, shown};
use crate::settings::learnt_maps;
use crate::settings::library::{Added, Item, Library, Shelf};

/// `demon library`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Exit codes: 0 done, and nothing is broken; 1 something is, or could not be added; 2 the command line was not understood.")]
pub struct LibraryArgs {
    /// The library's folder [default: $DEMON_LIBRARY, or `library` in the state folder]
    #[arg(long, value_name = "FOLDER", global = true)]
    pub library: Option<PathBuf>,
    /// Folder of what the box remembers [default: $DEMON_STATE, /var/lib/demon, or ~/.local/state/demon]
    #[arg(long, value_name = "FOLDER", global = true)]
    pub state: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub what: What,
}

/// What is done with a library.
#[derive(Clone, Debug, Subcommand)]
pub enum What {
    /// Look at recordings, patches, adapters (.safetensors) or folders of models, and copy them in; nothing is written over
    Add {
        /// What is added
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Everything that is there: name, length, tempo, and what is broken
    List,
    /// What is broken, and nothing else
    Check,
}

/// Not everything is as it should be; what is not was told.
#[derive(Debug, thiserror::Error)]
pub enum NotAll {
    /// Things of the library.
    #[error("{0} of {1} things in the library are broken")]
    Broken(usize, usize),
    /// Things that were to come into it.
    #[error("{0} of {1} were not added")]
    NotAdded(usize, usize),
}

/// Does it, and tells `out`.
///
/// # Errors
/// [`NotAll`]; when `out` cannot be written to.
pub fn library(args: &LibraryArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let library = Library::find(args.library.as_deref(), &learnt_maps::folder(args.state.as_deref()));
    match &args.what {
        What::Add { files } => add(&library, files, out),
        What::List => list(&library, out),
        What::Check => check(&library, out),
    }
}

fn add(library: &Library, files: &[PathBuf], out: &mut impl Write) -> anyhow::Result<()> {
    let mut failed = 0;
    // Patches last: what they name may be among the others.
    let (patches, others): (Vec<_>, Vec<_>) =
        files.iter().partition(|it| it.extension().is_some_and(|it| it.eq_ignore_ascii_case("toml")));
    for path in others.into_iter().chain(patches) {
        match library.add(path) {
            Ok(Added::New(shelf, name, told)) => {
                writeln!(out, "{}/{name}", shelf.folder())?;
                told.iter().try_for_each(|it| writeln!(out, "  {}", plain(it)))?;
            }
            Ok(Added::There(shelf, name)) => writeln!(out, "{}/{name} is there already", shelf.folder())?,
            Err(error) => {
                failed += 1;
                writeln!(out, "{}", plain(&error.to_string()))?;
            }
        }
    }
    if failed == 0 { Ok(()) } else { Err(NotAll::NotAdded(failed, files.len()).into()) }
}

fn list(library: &Library, out: &mut impl Write) -> anyhow::Result<()> {
    let items = library.items();
    writeln!(out, "{}", shown(library.root()))?;
    for shelf in Shelf::ALL {
        let here: Vec<&Item> = items.iter().filter(|it| it.shelf == shelf).collect();
        if here.is_empty() {
            continue;
        }
        writeln!(out, "{}", shelf.folder())?;
        let wide = here.iter().map(|it| it.name.chars().count()).max().unwrap_or(0);
        for item in here {
            writeln!(out, "{}", format!("  {:wide$}  {}", item.name, item.known().join(", ")).trim_end())?;
            item.faults.iter().flat_map(|it| it.lines()).try_for_each(|it| writeln!(out, "    {}", plain(it)))?;
        }
    }
    told(&items)
}

fn check(library: &Library, out: &mut impl Write) -> anyhow::Result<()> {
    let items = library.items();
    for item in &items {
        for fault in item.faults.iter().flat_map(|it| it.lines()) {
            writeln!(out, "{}/{}: {}", item.shelf.folder(), item.name, plain(fault))?;
        }
    }
    told(&items)
}

fn told(items: &[Item]) -> anyhow::Result<()> {
    match items.iter().filter(|it| !it.faults.is_empty()).count() {
        0 => Ok(()),
        broken => Err(NotAll::Broken(broken, items.len()).into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{LibraryArgs, What, library};

    #[test]
    fn a_library_is_listed_and_checked_and_what_is_broken_is_the_exit_code() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = |what: What| {
            let args = LibraryArgs { library: Some(folder.path().join("library")), state: None, what };
            let mut out = Vec::new();
            let error = library(&args, &mut out).err().map(|it| it.to_string());
            (String::from_utf8(out).expect("text"), error)
        };
        assert_eq!(run(What::Check), (String::new(), None), "an empty one is sound");
        let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house/demo.flac");
        let patch = folder.path().join("1_a.toml");
        fs::write(&patch, "source = \"demo.flac\"\n[prompt]\nbpm = 96\n").expect("a disk");
        let (said, error) = run(What::Add { files: vec![patch.clone(), demo.into()] });
        assert_eq!((said.as_str(), error), ("recordings/demo.flac\npatches/1_a.toml\n", None));
        let (said, error) = run(What::List);
        assert!(said.contains("  demo.flac  ") && said.contains(" s, 96 bpm\n"), "{said}");
        assert!(said.contains("  1_a.toml  96 bpm, demo.flac\n") && error.is_none(), "{said}");
        fs::remove_file(folder.path().join("library/recordings/demo.flac")).expect("a disk");
        let (said, error) = run(What::Check);
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("patches/1_a.toml: ") && said.contains("no such recording"), "{said}");
        assert_eq!(error.as_deref(), Some("1 of 1 things in the library are broken"));
        let (said, error) = run(What::Add { files: vec![patch, "nothing.wav".into()] });
        assert!(said.contains("nothing.wav: cannot be read: there is no such file"), "{said}");
        assert_eq!(error.as_deref(), Some("1 of 2 were not added"));
    }
}
