//! A crate's modules and the paths that they write, read token by token: what is commented out, stands in a string or is compiled
//! for tests only leads nowhere, and what stands in a macro is a path like any other.
//!
//! Knows modules, `use` and paths. It does not know types: what a method gives is not followed, only what is named.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Re-exports of re-exports that are followed.
const DEEPEST: usize = 16;

/// One module.
#[derive(Debug, Default)]
pub struct Module {
    /// From the crate's root, which has none.
    pub path: Vec<String>,
    /// Where it is written.
    pub file: String,
    /// Every path of two or more names in it, and every `use`.
    pub paths: Vec<Vec<String>>,
    /// Names that a `use` brings in, public or not, and the path that each stands for.
    names: BTreeMap<String, Vec<String>>,
    /// Modules of which everything is brought in.
    globs: Vec<Vec<String>>,
}

/// All modules of a crate.
#[derive(Debug, Default)]
pub struct Sources(BTreeMap<Vec<String>, Module>);

/// Where one is reading.
struct Place<'a> {
    module: Vec<String>,
    file: &'a Path,
    /// Where files of this module's children lie.
    children: PathBuf,
}

impl Sources {
    /// Reads a crate from its `lib.rs`, or else its `main.rs`.
    pub fn read(folder: &Path) -> Self {
        let root = ["lib.rs", "main.rs"].map(|it| folder.join(it)).into_iter().find(|it| it.exists());
        let mut sources = Self::default();
        sources.file(Vec::new(), &root.expect("a crate has a root"), folder.to_owned());
        sources
    }

    /// The modules, each with its path.
    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        self.0.values()
    }

    /// The modules that a path leads to: every one that only hands the name on, and the one in which it lives. None for other
    /// crates' names.
    pub fn homes<'a>(&'a self, from: &'a Module, path: &[String]) -> Vec<&'a [String]> {
        let mut homes = Vec::new();
        self.follow(from, path, DEEPEST, &mut homes);
        homes
    }

    fn follow<'a>(&'a self, from: &'a Module, path: &[String], left: usize, homes: &mut Vec<&'a [String]>) {
        let (mut at, mut rest, mut is_first) = (from, path, true);
        while let Some((name, more)) = rest.split_first() {
            let child: Vec<String> = at.path.iter().cloned().chain([name.clone()]).collect();
            let next = match &**name {
                "crate" => self.0.get(&[][..]),
                "self" => Some(at),
                "super" => at.path.split_last().and_then(|it| self.0.get(it.1)),
                _ => self.0.get(&child),
            };
            if let Some(next) = next {
                (at, rest, is_first) = (next, more, false);
                continue;
            }
            let known = at.names.get(name).map(|it| vec![it.clone()]);
            let globs = || at.globs.iter().map(|it| it.iter().cloned().chain([name.clone()]).collect()).collect();
            let ways: Vec<Vec<String>> = known.unwrap_or_else(globs);
            if !is_first {
                homes.push(&at.path);
            }
            // A `use` of another crate's name says the name itself.
            for way in ways.iter().filter(|it| 0 < left && (!is_first || it[..] != path[..])) {
                self.follow(at, &[way, more].concat(), left - 1, homes);
            }
            return;
        }
        homes.push(&at.path);
    }

    fn file(&mut self, module: Vec<String>, file: &Path, children: PathBuf) {
        let text = fs::read_to_string(file).expect("a source file is readable");
        let tokens = text.parse().expect("our sources are made of tokens");
        self.module(tokens, Place { module, file, children });
    }

    fn module(&mut self, tokens: TokenStream, place: Place<'_>) {
        let file = place.file.display().to_string();
        self.0.insert(place.module.clone(), Module { path: place.module.clone(), file, ..Module::default() });
        self.walk(tokens, &place);
    }

    fn walk(&mut self, tokens: TokenStream, place: &Place<'_>) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let (mut at, mut named) = (0, None);
        while at < tokens.len() {
            let rest = &tokens[at..];
            at += match rest {
                [TokenTree::Punct(hash), TokenTree::Group(attribute), after @ ..] if hash.as_char() == '#' => {
                    let words = attribute.stream().to_string();
                    named = words.strip_prefix("path = ").map(|it| it.trim_matches('"').to_owned()).or(named);
                    let test = words.replace(' ', "") == "cfg(test)";
                    2 + if test { item(after) } else { 0 }
                }
                [TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Punct(_), ..] if word == "mod" => {
                    self.declared(&name.to_string(), named.take(), place);
                    3
                }
                [TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Group(body), ..] if word == "mod" => {
                    let (name, mut module) = (name.to_string(), place.module.clone());
                    let children = place.children.join(&name);
                    module.push(name);
                    self.module(body.stream(), Place { module, file: place.file, children });
                    3
                }
                [TokenTree::Ident(word), next, ..] if word == "use" && !is(next, '<') => {
                    let len = rest.iter().take_while(|it| !is(it, ';')).count();
                    self.used(Vec::new(), &rest[1..len], place);
                    len
                }
                [TokenTree::Group(group), ..] => {
                    self.walk(group.stream(), place);
                    1
                }
                [TokenTree::Ident(_), ..] if at == 0 || !is_joint(&tokens[..at]) => {
                    let (path, len) = path(rest);
                    if 1 < path.len() {
                        self.here(place).paths.push(path);
                    }
                    len
                }
                _ => 1,
            };
        }
    }

    fn here(&mut self, place: &Place<'_>) -> &mut Module {
        self.0.get_mut(&place.module).expect("put there before it is read")
    }

    /// A module in a file of its own.
    fn declared(&mut self, name: &str, named: Option<String>, place: &Place<'_>) {
        let folder = place.file.parent().expect("a file lies in a folder");
        let file = match named {
            Some(named) => folder.join(named),
            None => {
                let beside = place.children.join(format!("{name}.rs"));
                if beside.exists() { beside } else { place.children.join(name).join("mod.rs") }
            }
        };
        let module = place.module.iter().cloned().chain([name.to_owned()]).collect();
        self.file(module, &file, place.children.join(name));
    }

    /// A tree of a `use`, below a path.
    fn used(&mut self, mut before: Vec<String>, tree: &[TokenTree], place: &Place<'_>) {
        let mut rest = tree;
        loop {
            match rest {
                // Another crate's, whatever modules here are called.
                [colon, ..] if is(colon, ':') && before.is_empty() => return,
                [colon, more @ ..] if is(colon, ':') => rest = more,
                [TokenTree::Ident(word), TokenTree::Ident(name), ..] if word == "as" => {
                    return self.brings(&name.to_string(), before, place);
                }
                [TokenTree::Ident(name), more @ ..] => {
                    // `{self}` is the module itself.
                    if name != "self" || before.is_empty() {
                        before.push(name.to_string());
                    }
                    rest = more;
                }
                [TokenTree::Group(group), ..] => {
                    let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                    inside
                        .split(|it| is(it, ','))
                        .filter(|it| !it.is_empty())
                        .for_each(|it| self.used(before.clone(), it, place));
                    return;
                }
                [TokenTree::Punct(_), ..] => {
                    let module = self.here(place);
                    module.paths.push(before.clone());
                    return module.globs.push(before);
                }
                [] => {
                    let Some(name) = before.last().cloned() else { return };
                    return self.brings(&name, before, place);
                }
                [TokenTree::Literal(_), ..] => unreachable!("no `use` has one"),
            }
        }
    }

    fn brings(&mut self, name: &str, path: Vec<String>, place: &Place<'_>) {
        let module = self.here(place);
        module.paths.push(path.clone());
        module.names.entry(name.to_owned()).or_insert(path);
    }
}

/// Names joined by `::`, and how many tokens they are.
fn path(tokens: &[TokenTree]) -> (Vec<String>, usize) {
    let (mut names, mut len) = (Vec::new(), 0);
    while let [TokenTree::Ident(name), ..] = &tokens[len..] {
        names.push(name.to_string());
        len += 1;
        match &tokens[len..] {
            [a, b, TokenTree::Ident(_), ..] if is(a, ':') && is(b, ':') => len += 2,
            _ => break,
        }
    }
    (names, len)
}

/// Tokens of the item that follows, attributes included.
fn item(tokens: &[TokenTree]) -> usize {
    let ends = |it: &TokenTree| is(it, ';') || matches!(it, TokenTree::Group(it) if is_braced(it));
    tokens.iter().position(ends).map_or(tokens.len(), |it| it + 1)
}

fn is_braced(group: &Group) -> bool {
    group.delimiter() == Delimiter::Brace
}

fn is(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(it) if it.as_char() == mark)
}

/// Whether what follows belongs to what came before: after `::` it is a part of a path, after `.` a field.
fn is_joint(before: &[TokenTree]) -> bool {
    match before {
        [.., a, b] if is(a, ':') && is(b, ':') => true,
        [.., last] => is(last, '.'),
        [] => false,
    }
}
