//! Which tests our sources have, read token by token: what is commented out or stands in a string is none.
//!
//! Tests inside `proptest!` are found like all others. Tests that a macro makes have names that only the compiler knows;
//! of these, the ones made from the table of parameters are known, since their names are the parameters'.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use engine::param::ParamId;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

const FOLDERS: [&str; 4] = ["appliance", "engine", "hal", "tests"];

/// Every test of the workspace.
#[derive(Debug, Default)]
pub struct Tests {
    /// Names of each file's tests.
    files: BTreeMap<String, BTreeSet<String>>,
}

impl Tests {
    /// Reads all sources under the workspace's root.
    pub fn read(root: &Path) -> Self {
        let mut tests = Self::default();
        FOLDERS.iter().for_each(|folder| tests.read_folder(root, Path::new(folder)));
        tests
    }

    fn read_folder(&mut self, root: &Path, folder: &Path) {
        for entry in fs::read_dir(root.join(folder)).expect("the folder is readable") {
            let path = folder.join(entry.expect("the entry is readable").file_name());
            if root.join(&path).is_dir() {
                self.read_folder(root, &path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = fs::read_to_string(root.join(&path)).expect("a source file is readable");
                self.files.insert(path.to_string_lossy().into_owned(), names(&text));
            }
        }
    }

    /// Finds a test by its name, or by `file::name` where the name alone is not enough.
    ///
    /// # Errors
    /// In words, when there is none, or more than one.
    pub fn find(&self, name: &str) -> Result<(), String> {
        if let Some((file, name_in_file)) = name.rsplit_once("::") {
            let names = self.files.get(file).ok_or_else(|| format!("`{name}`: there is no such file"))?;
            let found = names.contains(name_in_file);
            return if found { Ok(()) } else { Err(format!("`{name}`: no test of this file has that name")) };
        }
        let files: Vec<&str> =
            self.files.iter().filter(|(_, names)| names.contains(name)).map(|(file, _)| file.as_str()).collect();
        match files[..] {
            [] => Err(format!("`{name}` is no test of ours")),
            [_] => Ok(()),
            _ => Err(format!("`{name}` is a test of {}: name one, as file::name", files.join(" and "))),
        }
    }
}

/// What one file's tokens hold.
#[derive(Default)]
struct Found {
    names: BTreeSet<String>,
    /// A test whose name a macro fills in.
    made: bool,
    /// The macro that is called with every parameter.
    for_each_parameter: bool,
}

/// The names of a file's tests.
fn names(text: &str) -> BTreeSet<String> {
    let mut found = Found::default();
    walk(text.parse().expect("our sources are made of tokens"), &mut found);
    if found.made && found.for_each_parameter {
        found.names.extend(ParamId::all().map(|id| format!("{id:?}")));
    }
    found.names
}

fn walk(tokens: TokenStream, found: &mut Found) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => walk(group.stream(), found),
            TokenTree::Punct(mark) if mark.as_char() == '#' && attribute(&tokens[at..]).as_deref() == Some("test") => {
                match function(&tokens[at..]) {
                    Some(TokenTree::Ident(name)) => drop(found.names.insert(name.to_string())),
                    Some(TokenTree::Punct(mark)) if mark.as_char() == '$' => found.made = true,
                    _ => {}
                }
            }
            TokenTree::Ident(name) if name == "for_each_parameter" => {
                // Called by its path; where it is defined, `macro_rules!` stands before it.
                let before = at.checked_sub(1).map(|it| tokens[it].to_string());
                found.for_each_parameter |= before.as_deref() == Some(":");
            }
            _ => {}
        }
    }
}

/// The words of an attribute that begins here.
fn attribute(tokens: &[TokenTree]) -> Option<String> {
    match tokens {
        [TokenTree::Punct(mark), TokenTree::Group(group), ..]
            if mark.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
        {
            Some(group.stream().to_string())
        }
        _ => None,
    }
}

/// What stands in the place of a function's name, after its attributes.
fn function(mut tokens: &[TokenTree]) -> Option<&TokenTree> {
    while attribute(tokens).is_some() {
        tokens = &tokens[2..];
    }
    match tokens {
        [TokenTree::Ident(word), name, ..] if word == "fn" => Some(name),
        _ => None,
    }
}

#[test]
fn tests_are_found_wherever_they_stand_and_nothing_else_is() {
    let found = names(
        "/* #[test] fn in_a_comment() {} */ const A: &str = \"#[test] fn in_a_string() {}\"; fn plain() {}\n\
         #[test] #[should_panic] /// Why.\n fn with_attributes() {}\n\
         mod tests { proptest! { #![config] #[test] fn a_property(a in 0..3) {} } }\n\
         #[cfg(test)] fn a_helper() {} #[test] mod no_function {}",
    );
    assert_eq!(found.iter().collect::<Vec<_>>(), ["a_property", "with_attributes"]);
}

#[test]
fn tests_made_from_the_table_of_parameters_have_the_parameters_names() {
    let made = "macro_rules! each { ($($id:ident),*) => {$(#[test] fn $id() {})*}; } ";
    assert!(names(made).is_empty(), "the macro alone makes nothing");
    assert!(names(&format!("{made} engine::for_each_parameter!(each);")).contains("Denoise"));
    assert!(names("engine::for_each_parameter!(each);").is_empty(), "it may make something else");
}
