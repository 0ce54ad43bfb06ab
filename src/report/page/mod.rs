//! A page: a picture that explains, as plain data.
//!
//! Whoever knows what is to be seen makes a page; whoever shows it knows nothing of that. One renderer draws all pages in the window, and
//! one function turns any page into tables, for screen readers, for JSON and for CSV. Sizes are in points of the screen.

mod lines;
mod marks;
mod tables;

use serde::{Deserialize, Serialize};

pub use self::{
    lines::{Axis, Lines, Scale, Series, Source, Style, Unit},
    marks::{
        Arrow, Cross, Disc, Dot, Mark, Marker, PageEllipse, Plane, PlaneText, Polygon, Reference, Role, Segment, Tint,
    },
    tables::csv,
};
use super::Gallery;

/// What a page is called, before it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageInfo {
    /// The name by which it is asked for.
    pub id: String,
    /// What stands on its tab.
    pub title: String,
    /// What it shows, in a sentence.
    pub meaning: String,
}

impl PageInfo {
    /// A page of this name.
    pub fn new(id: &str, title: &str, meaning: &str) -> Self {
        Self { id: id.to_owned(), title: title.to_owned(), meaning: meaning.to_owned() }
    }

    /// The page, with nothing on it yet.
    pub fn page(self, caption: String) -> Page {
        let Self { id, title, meaning } = self;
        Page { id, title, meaning, caption, ..Page::default() }
    }
}

/// A picture that explains.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The name by which it is asked for.
    pub id: String,
    /// What stands on its tab.
    pub title: String,
    /// What it shows, in a sentence.
    pub meaning: String,
    /// What it says, with its numbers; the step stands before it.
    pub caption: String,
    /// How it is to be read, for those who want to know more.
    pub hint: String,
    /// The class that it is about, among those that it could be about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// Numbers that whoever shows pages gathers from one picture to the next, each by its name; a series may draw them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gathered: Vec<(String, f64)>,
    /// One below the other.
    pub blocks: Vec<Block>,
}

/// The class that a page is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// What a screen reader says before the name of a class, for example `Cells of`.
    pub what: String,
    /// Position of the class.
    pub chosen: usize,
    /// One for each class of the run.
    pub options: Vec<ChoiceOption>,
}

/// A class that can be chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChoiceOption {
    /// Its name.
    pub name: String,
    /// A number of the class, as it is written beside the name; may be empty.
    pub figure: String,
    /// The number as the length of a bar, where all classes have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bar: Option<f64>,
    /// Another number that stands as an upright line across the bar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<f64>,
    /// What more there is to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hover: String,
}

impl Choice {
    /// A list of classes with their figures.
    pub fn of(what: &str, chosen: usize, names: &[String], figure: impl Fn(usize) -> String) -> Self {
        let option = |(at, name): (usize, &String)| ChoiceOption {
            name: name.clone(),
            figure: figure(at),
            ..ChoiceOption::default()
        };
        Self { what: what.to_owned(), chosen, options: names.iter().enumerate().map(option).collect() }
    }
}

/// A part of a page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// A small line above it; may be empty.
    pub title: String,
    /// How it is to be read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// Its share of the height of a page, or of the width of a row.
    pub share: f32,
    /// It is left out where the page is narrower, or less high.
    #[serde(default)]
    pub least: [f32; 2],
    /// What it is.
    pub body: Body,
}

impl Block {
    /// A block with a title.
    pub fn new(title: impl Into<String>, body: Body) -> Self {
        Self { title: title.into(), share: 1.0, body, ..Self::default() }
    }

    /// Takes more or less of the room.
    #[must_use]
    pub fn share(self, share: f32) -> Self {
        Self { share, ..self }
    }

    /// Is left out where the page is smaller than this, in width or height.
    #[must_use]
    pub fn least(self, width: f32, height: f32) -> Self {
        Self { least: [width, height], ..self }
    }

    /// Says how it is to be read.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }
}

/// The kinds of blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// A paragraph.
    Text(String),
    /// Rows of words and numbers.
    Table(Table),
    /// Lengths beside each other.
    Bars(Bars),
    /// Curves and points over axes.
    Lines(Lines),
    /// Numbers as colours.
    Heat(Heat),
    /// Blocks beside each other; one below the other where there is more height than width.
    Row(Vec<Block>),
    /// Marks in a plane with equal scales.
    Plane(Plane),
    /// Small pictures in rows and columns.
    Images(Images),
}

impl Default for Body {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// Rows of words and numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// What the table is about; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A row of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// A text for each column.
    pub cells: Vec<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Reference>,
}

impl Table {
    /// An empty table with these columns.
    pub fn with(title: impl Into<String>, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self { title: title.into(), columns, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(Row { cells: cells.into_iter().collect(), about: None });
    }
}

/// Lengths beside each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bars {
    /// What stands above names, bars and figures.
    pub heads: [String; 3],
    /// The bars.
    pub items: Vec<Bar>,
    /// Lines across all bars.
    pub guides: Vec<Guide>,
    /// The length of a bar that fills its room; the longest where there is none.
    pub full: Option<f64>,
    /// True where bars stand upright beside each other; where not all have room, the last ones are shown.
    pub upright: bool,
    /// True where the longest comes first.
    pub sorted: bool,
}

/// A bar.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// Its name; may be empty.
    pub name: String,
    /// Its length; none where that is not known.
    pub value: Option<f64>,
    /// The number at its end, as it is written.
    pub figure: String,
    /// Small lines at other lengths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ticks: Vec<(f64, Mark)>,
    /// Signs above it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signs: Vec<Sign>,
    /// How it looks, and what it says.
    pub mark: Mark,
}

/// A sign above a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// An eye.
    Eye,
    /// A dot.
    Dot,
}

/// A line across all bars.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Guide {
    /// Where it stands.
    pub value: f64,
    /// What it means; may be empty.
    pub name: String,
    /// How it looks.
    pub mark: Mark,
}

/// Numbers as colours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heat {
    /// What stands above the columns.
    pub head: String,
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Row after row, each from 0 to 1.
    pub values: Vec<Vec<f64>>,
    /// The tint of a cell on the diagonal, and of the others.
    pub tints: [Tint; 2],
    /// What stands above the bars at the right.
    pub side: String,
    /// A bar for each row, from 0 to 1; may be empty.
    pub sides: Vec<f64>,
}

/// Small pictures in rows and columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Images {
    /// The pictures. Their pixels are no part of JSON.
    pub atlas: Gallery,
    /// What stands above the columns; fewer than columns where a name belongs to several.
    pub heads: Vec<Head>,
    /// What stands before the rows.
    pub rows: Vec<String>,
    /// What stands above those.
    pub row_head: String,
}

/// What stands above one or several columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The first of its columns.
    pub column: usize,
    /// Its name.
    pub name: String,
    /// True where a gap separates it from the columns before.
    pub apart: bool,
    /// How it looks.
    pub tint: Tint,
}
