//! Which modules of the library a file names: in `use` trees, grouped or not, in paths within code, in macros, and by way of
//! `super` and `self`.

use std::{collections::BTreeSet, path::Path};

use proc_macro2::{TokenStream, TokenTree};
use syn::{ItemMod, ItemUse, Macro, UseTree, visit::Visit};

/// The paths within the library, from its root, that a file names: `["nn", "networks"]`.
pub(crate) type Paths = BTreeSet<Vec<String>>;

/// What the file at `place` below `src` names.
pub(crate) fn of_file(place: &Path, text: &str) -> Paths {
    let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    let mut named = Named { module: module_of(place), paths: Paths::new() };
    named.visit_file(&parsed);
    named.paths
}

/// `distill/terms/mean.rs` is `["distill", "terms", "mean"]`.
fn module_of(place: &Path) -> Vec<String> {
    let mut parts: Vec<String> = place.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let file = parts.pop().unwrap_or_default();
    match file.trim_end_matches(".rs") {
        "mod" | "lib" | "main" => {}
        name => parts.push(name.to_owned()),
    }
    parts
}

struct Named {
    module: Vec<String>,
    paths: Paths,
}

impl Named {
    /// Takes a path as it is written, where it begins at the library's root or beside this module.
    fn take(&mut self, written: &[String]) {
        let mut at = self.module.clone();
        let mut rest = written;
        match rest.first().map(String::as_str) {
            Some("crate" | "spiritsafe") => at.clear(),
            Some("self") => {}
            Some("super") => {
                while rest.first().is_some_and(|part| part == "super") {
                    at.pop();
                    rest = &rest[1..];
                }
                at.extend(rest.iter().cloned());
                self.paths.insert(at);
                return;
            }
            _ => return,
        }
        at.extend(rest[1..].iter().cloned());
        self.paths.insert(at);
    }

    fn take_tree(&mut self, before: &mut Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.take_tree(before, &path.tree);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.take_tree(before, tree)),
            UseTree::Name(name) => self.take_leaf(before, name.ident.to_string()),
            UseTree::Rename(name) => {
                assert!(
                    !(before.is_empty() && name.ident == "crate"),
                    "the library under another name could hide any import"
                );
                self.take_leaf(before, name.ident.to_string());
            }
            UseTree::Glob(_) => self.take(before),
        }
    }

    fn take_leaf(&mut self, before: &[String], leaf: String) {
        let mut path = before.to_vec();
        path.push(leaf);
        self.take(&path);
    }

    /// Macros are not parsed: their paths are read off the words.
    fn take_words(&mut self, words: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut joined = false;
        for word in words {
            match word {
                TokenTree::Ident(ident) => {
                    if !joined {
                        self.take(&std::mem::take(&mut path));
                    }
                    path.push(ident.to_string());
                    joined = false;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => joined = true,
                other => {
                    self.take(&std::mem::take(&mut path));
                    joined = false;
                    if let TokenTree::Group(group) = other {
                        self.take_words(group.stream());
                    }
                }
            }
        }
        self.take(&path);
    }
}

impl<'ast> Visit<'ast> for Named {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.take_tree(&mut Vec::new(), &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        // `super` in a module within the file is this module.
        self.module.push(item.ident.to_string());
        for item in item.content.iter().flat_map(|(_, items)| items) {
            self.visit_item(item);
        }
        self.module.pop();
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let written: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.take(&written);
        syn::visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {
        // `pub(in crate::engine)` imports nothing.
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        self.take_words(call.tokens.clone());
    }
}
