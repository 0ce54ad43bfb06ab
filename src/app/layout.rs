//! Which panels stand where. Four arrangements are built in; what people drag is kept between starts.

use std::collections::HashSet;

use egui_tiles::{Linear, LinearDir, Tile, TileId, Tiles, Tree};
use serde::{Deserialize, Serialize};

/// A panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Pane {
    /// The synthetic images.
    Gallery,
    /// Points in a plane.
    Features,
    /// Curves of the loss.
    Losses,
    /// Bytes against accuracy.
    Storage,
    /// Inside the method.
    Method,
    /// Weights.
    Mixer,
    /// What runs.
    Run,
    /// Warnings and errors.
    Log,
}

impl Pane {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Gallery, Self::Features, Self::Losses, Self::Storage, Self::Method, Self::Mixer, Self::Run, Self::Log];

    /// What stands on its tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Gallery => "Gallery",
            Self::Features => "Feature space",
            Self::Losses => "Losses",
            Self::Storage => "Storage and accuracy",
            Self::Method => "Method",
            Self::Mixer => "Mixer",
            Self::Run => "Run settings",
            Self::Log => "Log",
        }
    }
}

/// A built-in arrangement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preset {
    /// Everything at once.
    #[default]
    Overview,
    /// Pictures and points large.
    Watch,
    /// The mixer and the curves large.
    Tune,
    /// Accuracy large.
    Judge,
}

impl Preset {
    /// In the order of the keys 1 to 4.
    pub const ALL: [Self; 4] = [Self::Overview, Self::Watch, Self::Tune, Self::Judge];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Watch => "Watch",
            Self::Tune => "Tune",
            Self::Judge => "Judge",
        }
    }

    /// The arrangement.
    pub fn tree(self) -> Tree<Pane> {
        use Pane::{Features, Gallery, Log, Losses, Method, Mixer, Run, Storage};
        let mut grow = Grower(Tiles::default());
        let root = match self {
            Self::Overview => {
                let left = grow.tabs(&[Gallery]);
                let points = grow.tabs(&[Features]);
                let curves = grow.tabs(&[Losses, Storage, Method, Log]);
                let middle = grow.split(LinearDir::Vertical, &[(points, 0.58), (curves, 0.42)]);
                let mixer = grow.tabs(&[Mixer]);
                let run = grow.tabs(&[Run]);
                let right = grow.split(LinearDir::Vertical, &[(mixer, 0.54), (run, 0.46)]);
                grow.split(LinearDir::Horizontal, &[(left, 0.35), (middle, 0.4), (right, 0.25)])
            }
            Self::Watch => {
                let left = grow.tabs(&[Gallery]);
                let right = grow.tabs(&[Features]);
                let bottom = grow.tabs(&[Losses, Storage, Method, Mixer, Run, Log]);
                let top = grow.split(LinearDir::Horizontal, &[(left, 0.5), (right, 0.5)]);
                grow.split(LinearDir::Vertical, &[(top, 0.72), (bottom, 0.28)])
            }
            Self::Tune => {
                let left = grow.tabs(&[Mixer, Run]);
                let curves = grow.tabs(&[Losses]);
                let pictures = grow.tabs(&[Gallery]);
                let points = grow.tabs(&[Features, Method, Storage, Log]);
                let bottom = grow.split(LinearDir::Horizontal, &[(pictures, 0.5), (points, 0.5)]);
                let right = grow.split(LinearDir::Vertical, &[(curves, 0.5), (bottom, 0.5)]);
                grow.split(LinearDir::Horizontal, &[(left, 0.36), (right, 0.64)])
            }
            Self::Judge => {
                let left = grow.tabs(&[Storage]);
                let run = grow.tabs(&[Run, Mixer]);
                let pictures = grow.tabs(&[Gallery, Features]);
                let curves = grow.tabs(&[Losses, Method, Log]);
                let top = grow.split(LinearDir::Horizontal, &[(left, 0.68), (run, 0.32)]);
                let bottom = grow.split(LinearDir::Horizontal, &[(curves, 0.6), (pictures, 0.4)]);
                grow.split(LinearDir::Vertical, &[(top, 0.6), (bottom, 0.4)])
            }
        };
        Tree::new(egui::Id::unique("panels"), root, grow.0)
    }
}

struct Grower(Tiles<Pane>);

impl Grower {
    fn tabs(&mut self, panes: &[Pane]) -> TileId {
        let children = panes.iter().map(|pane| self.0.insert_pane(*pane)).collect();
        self.0.insert_tab_tile(children)
    }

    fn split(&mut self, dir: LinearDir, parts: &[(TileId, f32)]) -> TileId {
        let mut linear = Linear::new(dir, parts.iter().map(|part| part.0).collect());
        parts.iter().for_each(|&(id, share)| linear.shares.set_share(id, share));
        self.0.insert_container(linear)
    }
}

/// True when a tree that was read from disk holds every panel exactly once, reachable from its root.
pub fn is_valid(tree: &Tree<Pane>) -> bool {
    let Some(root) = tree.root() else { return false };
    let (mut waiting, mut seen, mut panes) = (vec![root], HashSet::new(), Vec::new());
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            return false; // A tile with two parents, or a ring.
        }
        match tree.tiles.get(id) {
            Some(Tile::Pane(pane)) => panes.push(*pane),
            Some(Tile::Container(container)) => waiting.extend(container.children()),
            None => return false,
        }
    }
    panes.len() == Pane::ALL.len() && Pane::ALL.iter().all(|pane| panes.contains(pane))
}

/// Brings a panel to the front of its tabs.
pub fn reveal(tree: &mut Tree<Pane>, pane: Pane) {
    tree.make_active(|_, tile| matches!(tile, Tile::Pane(known) if *known == pane));
}

/// The panels that can be seen.
pub fn visible(tree: &Tree<Pane>) -> Vec<Pane> {
    tree.active_tiles().into_iter().filter_map(|id| tree.tiles.get_pane(&id).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_holds_every_panel_once() {
        for preset in Preset::ALL {
            assert!(is_valid(&preset.tree()), "{}", preset.name());
        }
    }

    #[test]
    fn a_tree_that_lacks_a_panel_is_refused() {
        let mut tree = Preset::Overview.tree();
        let log = tree.tiles.find_pane(&Pane::Log).unwrap();
        tree.remove_recursively(log);
        assert!(!is_valid(&tree));
        assert!(!is_valid(&Tree::empty(egui::Id::unique("panels"))));
    }
}
