//! Any page as tables of words and numbers.

use super::{Bars, Block, Body, Choice, Heat, Images, Lines, Page, Plane, Row, Source, Table};

impl Page {
    /// What the page shows as tables, one for each block. `named` gives the points of a series that has none of its own.
    pub fn tables(&self, named: &dyn Fn(&str) -> Vec<[f64; 2]>) -> Vec<Table> {
        let mut tables: Vec<Table> = self.choice.iter().filter_map(Choice::table).collect();
        self.blocks.iter().for_each(|block| block.tables(named, &mut tables));
        tables
    }
}

/// Tables as lines of values with commas between them, an empty line between two tables.
pub fn csv(tables: &[Table]) -> String {
    let cell = |text: &String| match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.clone(),
    };
    let line = |cells: &[String]| cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\n";
    let table = |table: &Table| {
        let rows: String = table.rows.iter().map(|row| line(&row.cells)).collect();
        line(&table.columns) + &rows
    };
    tables.iter().map(table).collect::<Vec<_>>().join("\n")
}

impl Block {
    fn tables(&self, named: &dyn Fn(&str) -> Vec<[f64; 2]>, tables: &mut Vec<Table>) {
        let title = || self.title.clone();
        match &self.body {
            Body::Row(blocks) => blocks.iter().for_each(|block| block.tables(named, tables)),
            Body::Text(text) => {
                let mut table = Table::with(title(), &["text"]);
                table.push([text.clone()]);
                tables.push(table);
            }
            Body::Table(table) => {
                let title = if table.title.is_empty() { title() } else { table.title.clone() };
                tables.push(Table { title, ..table.clone() });
            }
            Body::Bars(bars) => tables.push(bars.table(title())),
            Body::Lines(lines) => tables.push(lines.table(title(), named)),
            Body::Heat(heat) => tables.push(heat.table(title())),
            Body::Plane(plane) => tables.push(plane.table(title())),
            Body::Images(images) => tables.push(images.table(title())),
        }
    }
}

/// A number as a table has it: as many digits as tell it apart.
fn digits(value: f64) -> String {
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        let text = format!("{value:.6}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.5e}")
    }
}

impl Choice {
    fn table(&self) -> Option<Table> {
        let mut table =
            Table::with(format!("{} {}", self.what, self.options.get(self.chosen)?.name), &["class", "figure"]);
        let has_figures = self.options.iter().any(|option| !option.figure.is_empty());
        self.options.iter().for_each(|option| table.push([option.name.clone(), option.figure.clone()]));
        has_figures.then_some(table)
    }
}

impl Bars {
    fn table(&self, title: String) -> Table {
        let name = |at: usize, other: &str| if self.heads[at].is_empty() { other } else { &self.heads[at] }.to_owned();
        let has_ticks = self.items.iter().any(|item| !item.ticks.is_empty());
        let has_figures = self.items.iter().any(|item| !item.figure.is_empty());
        let mut columns = vec![name(0, "name"), name(1, "length")];
        columns.extend(has_figures.then(|| name(2, "figure")));
        columns.extend(has_ticks.then(|| "marks".to_owned()));
        let mut table = Table { title, columns, rows: Vec::new() };
        for (at, item) in self.items.iter().enumerate() {
            let name = if item.name.is_empty() { (at + 1).to_string() } else { item.name.clone() };
            let mut cells = vec![name, item.value.map(digits).unwrap_or_default()];
            cells.extend(has_figures.then(|| item.figure.clone()));
            let ticks = item.ticks.iter().map(|(value, _)| digits(*value)).collect::<Vec<_>>().join(" ");
            cells.extend(has_ticks.then_some(ticks));
            table.rows.push(Row { cells, about: item.mark.about.clone() });
        }
        for guide in self.guides.iter().filter(|guide| !guide.name.is_empty()) {
            let mut cells = vec![guide.name.clone(), digits(guide.value)];
            cells.resize(table.columns.len(), String::new());
            table.push(cells);
        }
        table
    }
}

impl Lines {
    fn table(&self, title: String, named: &dyn Fn(&str) -> Vec<[f64; 2]>) -> Table {
        let name = |text: &str, other: &str| if text.is_empty() { other } else { text }.to_owned();
        let columns = vec!["series".to_owned(), name(&self.x.label, "x"), name(&self.y.label, "y")];
        let mut table = Table { title, columns, rows: Vec::new() };
        for (at, series) in self.series.iter().enumerate() {
            let points = match &series.source {
                Source::Named(name) => named(name),
                Source::Points(points) => points.clone(),
            };
            let name = if series.name.is_empty() { (at + 1).to_string() } else { series.name.clone() };
            points.into_iter().for_each(|[x, y]| table.push([name.clone(), digits(x), digits(y)]));
        }
        table
    }
}

impl Heat {
    fn table(&self, title: String) -> Table {
        let mut columns = vec![self.head.clone()];
        columns.extend(self.columns.iter().cloned());
        columns.extend((!self.sides.is_empty()).then(|| self.side.clone()));
        let mut table = Table { title, columns, rows: Vec::new() };
        for (at, (row, values)) in self.rows.iter().zip(&self.values).enumerate() {
            let values = values.iter().chain(self.sides.get(at));
            table.push(std::iter::once(row.clone()).chain(values.map(|value| digits(*value))));
        }
        table
    }
}

impl Plane {
    fn table(&self, title: String) -> Table {
        let mut table = Table::with(title, &["mark", "x", "y", "what"]);
        let mut push = |kind: &str, at: [f32; 2], what: &str| {
            table.push([kind.to_owned(), digits(at[0].into()), digits(at[1].into()), what.to_owned()]);
        };
        self.polygons.iter().for_each(|one| {
            one.corners.iter().for_each(|corner| push("corner", *corner, &one.mark.hover));
        });
        for one in &self.segments {
            push("from", one.from, &one.mark.hover);
            push("to", one.to, &one.mark.hover);
        }
        self.points.iter().for_each(|one| push("point", one.at, &one.mark.hover));
        self.discs.iter().for_each(|one| push("disc", one.at, &one.mark.hover));
        self.ellipses.iter().for_each(|one| {
            let kind = if one.dashed { "dashed ellipse" } else { "ellipse" };
            push(kind, one.ellipse.centre, &one.mark.hover);
        });
        for one in &self.arrows {
            let text = format!("along {} {}", digits(one.along[0].into()), digits(one.along[1].into()));
            push("arrow", one.at, &text);
        }
        self.markers.iter().for_each(|one| push("marker", one.at, &one.mark.hover));
        self.crosses.iter().for_each(|one| push("cross", one.at, &one.mark.hover));
        self.texts.iter().for_each(|one| push("text", one.at, &one.text));
        table
    }
}

impl Images {
    fn table(&self, title: String) -> Table {
        let columns = [self.row_head.clone()].into_iter().chain(self.heads.iter().map(|head| head.name.clone()));
        let mut table = Table { title, columns: columns.collect(), rows: Vec::new() };
        for row in &self.rows {
            let mut cells = vec![row.clone()];
            cells.resize(table.columns.len(), "picture".to_owned());
            table.push(cells);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        Ellipse, Gallery, GalleryView,
        page::{Axis, Bar, Dot, Guide, Head, Mark, PageEllipse, PageInfo, Role, Series, Tint},
    };

    fn everything() -> Page {
        let bar = |name: &str, value: f64| Bar {
            name: name.to_owned(),
            value: Some(value),
            figure: format!("{value} nats"),
            ..Bar::default()
        };
        let own = Series {
            name: "own".to_owned(),
            source: Source::Points(vec![[1.0, 0.5], [2.0, -1e-6]]),
            ..Series::default()
        };
        let named = Series { source: Source::Named("total".to_owned()), ..Series::default() };
        let circle = Ellipse { centre: [3.0, 4.0], major: [1.0, 0.0], minor: [0.0, 1.0] };
        let atlas = Gallery {
            view: GalleryView::Now,
            cell: [1, 1],
            grid: [2, 1],
            packing: 1,
            rgba: [0; 8].into(),
            moved: Vec::new(),
            clipped: Vec::new(),
            factors: Vec::new(),
        };
        let head = |column| Head { column, name: format!("t {column}"), ..Head::default() };
        let row = vec![
            Block::new(
                "plane",
                Body::Plane(Plane {
                    points: vec![Dot { at: [1.0, 2.0], radius: 1.0, mark: Mark::class(3).saying("a sample") }],
                    ellipses: vec![PageEllipse { ellipse: circle, dashed: true, mark: Mark::role(Role::First) }],
                    ..Plane::default()
                }),
            ),
            Block::new(
                "heat",
                Body::Heat(Heat {
                    head: "is".to_owned(),
                    rows: vec!["cat".to_owned()],
                    columns: vec!["cat".to_owned(), "dog".to_owned()],
                    values: vec![vec![0.75, 0.25]],
                    tints: [Tint::default(); 2],
                    side: "right".to_owned(),
                    sides: vec![0.75],
                }),
            ),
        ];
        let mut table = Table::with("", &["a"]);
        table.push(["1,5".to_owned()]);
        let info = PageInfo::new("all", "All", "Every kind of block");
        Page {
            choice: Some(Choice::of("About", 1, &["0".to_owned(), "1".to_owned()], |at| format!("{at}.5"))),
            blocks: vec![
                Block::new("text", Body::Text("words".to_owned())),
                Block::new("table", Body::Table(table)),
                Block::new(
                    "bars",
                    Body::Bars(Bars {
                        items: vec![bar("one", 1.5)],
                        guides: vec![Guide { value: 1.0, name: "equal".to_owned(), ..Guide::default() }],
                        ..Bars::default()
                    }),
                ),
                Block::new(
                    "lines",
                    Body::Lines(Lines { series: vec![own, named], x: Axis::steps(), y: Axis::from_zero("loss") }),
                ),
                Block::new("row", Body::Row(row)),
                Block::new(
                    "images",
                    Body::Images(Images {
                        atlas,
                        heads: vec![head(0), head(1)],
                        rows: vec!["10 %".to_owned()],
                        row_head: "mass".to_owned(),
                    }),
                ),
            ],
            ..info.page("a caption".to_owned())
        }
    }

    #[test]
    fn every_block_gives_rows() {
        let tables = everything().tables(&|name| if name == "total" { vec![[7.0, 8.0]] } else { Vec::new() });
        let titles: Vec<&str> = tables.iter().map(|table| table.title.as_str()).collect();
        assert_eq!(titles, ["About 1", "text", "table", "bars", "lines", "plane", "heat", "images"]);
        for table in &tables {
            assert!(!table.rows.is_empty(), "{}", table.title);
            assert!(table.rows.iter().all(|row| row.cells.len() == table.columns.len()), "{table:?}");
        }
        let cells = |table: usize, row: usize| tables[table].rows[row].cells.join("|");
        assert_eq!(cells(3, 0), "one|1.5|1.5 nats");
        assert_eq!(cells(3, 1), "equal|1|");
        assert_eq!(cells(4, 1), "own|2|-1.00000e-6");
        assert_eq!(cells(4, 2), "2|7|8", "a series by name is asked for");
        assert_eq!(cells(5, 0), "point|1|2|a sample");
        assert_eq!(cells(6, 0), "cat|0.75|0.25|0.75");
    }

    #[test]
    fn csv_can_be_read_again() {
        let mut table = Table::with("", &["name", "value"]);
        table.push(["a, \"b\"".to_owned(), "1".to_owned()]);
        assert_eq!(csv(&[table.clone(), table]), "name,value\n\"a, \"\"b\"\"\",1\n\nname,value\n\"a, \"\"b\"\"\",1\n");
    }

    #[test]
    fn a_page_is_written_to_json_and_read_again() {
        let page = everything();
        let text = serde_json::to_string(&page).unwrap();
        let again: Page = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), text);
        assert_eq!(again.blocks[..5], page.blocks[..5], "all but the pixels");
    }

    #[test]
    fn a_plane_shows_all_of_an_ellipse() {
        let page = everything();
        let Body::Row(row) = &page.blocks[4].body else { panic!("a row") };
        let Body::Plane(plane) = &row[0].body else { panic!("a plane") };
        assert!(plane.places().contains(&[2.0, 3.0]) && plane.places().contains(&[4.0, 5.0]));
    }
}
