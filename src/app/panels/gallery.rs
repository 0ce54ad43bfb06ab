//! The gallery: all synthetic images, a row for each class, from one texture.

use egui::{Key, Pos2, Rect, RichText, Role, ScrollArea, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::{
    app::{
        action::Action,
        theme,
        view::{Scene, View},
        widgets::{atlas::Atlas, marker},
    },
    report::{Called, Evaluation, Gallery, GalleryView, Subject},
};

/// The textures of the gallery.
#[derive(Default)]
pub(crate) struct Panel {
    atlas: Atlas,
}

/// Where the cells stand.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Plan {
    /// Class blocks beside each other.
    blocks: usize,
    /// Cells of a line.
    columns: usize,
    /// Lines of a class.
    lines: usize,
    /// Size of a cell in points.
    cell: Vec2,
    label: f32,
    images: usize,
}

const CELL_GAP: f32 = 2.0;
const BLOCK_GAP: f32 = 7.0;
/// A header that is narrower takes two lines.
const NARROW: f32 = 420.0;

impl Plan {
    /// The arrangement with the largest cells that still fits.
    fn fit(area: Vec2, classes: usize, images: usize, label: f32, pixels: Vec2) -> Self {
        let mut best = Self { blocks: 1, columns: images, lines: 1, cell: pixels * 0.1, label, images };
        let mut best_score = 0.0;
        for blocks in 1..=classes.min(12) {
            for lines in 1..=images.min(24) {
                let columns = images.div_ceil(lines);
                let rows = classes.div_ceil(blocks) as f32;
                let width = (area.x - (blocks as f32 - 1.0) * 2.0 * BLOCK_GAP) / blocks as f32 - label;
                let height = area.y - (rows - 1.0) * BLOCK_GAP;
                let across = width / columns as f32 - CELL_GAP;
                let down = height / (rows * lines as f32) - CELL_GAP;
                let scale = (across / pixels.x).min(down / pixels.y);
                // Class rows are what people read; a broken arrangement must be much better to be worth its disorder.
                let broken = match (blocks, lines) {
                    (1, 1) => 1.0,
                    (_, 1) => 1.25,
                    _ if images.is_multiple_of(lines) => 1.5,
                    _ => 1.7,
                };
                if scale / broken > best_score {
                    best_score = scale / broken;
                    best = Self { blocks, columns, lines, cell: pixels * scale, label, images };
                }
            }
        }
        best
    }

    /// Cells are drawn at whole multiples of their pixels where they are large enough for that.
    fn snapped(mut self, pixels: Vec2, magnify: f32, pixels_per_point: f32) -> Self {
        let scale = self.cell.x * magnify / pixels.x * pixels_per_point;
        let scale = if scale >= 2.0 { scale.floor() } else { scale.max(0.25) };
        self.cell = pixels * scale / pixels_per_point;
        self
    }

    fn block(&self) -> Vec2 {
        let (columns, lines) = (self.columns as f32, self.lines as f32);
        vec2(self.label + columns * (self.cell.x + CELL_GAP), lines * (self.cell.y + CELL_GAP))
    }

    fn size(&self, classes: usize) -> Vec2 {
        let rows = classes.div_ceil(self.blocks) as f32;
        let block = self.block();
        vec2(
            self.blocks as f32 * (block.x + 2.0 * BLOCK_GAP) - 2.0 * BLOCK_GAP,
            rows * (block.y + BLOCK_GAP) - BLOCK_GAP,
        )
    }

    /// The corner of a class.
    fn corner(&self, class: usize) -> Vec2 {
        let block = self.block();
        let (column, row) = (class % self.blocks, class / self.blocks);
        vec2(column as f32 * (block.x + 2.0 * BLOCK_GAP), row as f32 * (block.y + BLOCK_GAP))
    }

    /// The part of a cell at a place, of `packing` along each side: down first, then to the right.
    fn part(&self, at: Pos2, cell: usize, packing: usize) -> usize {
        let place = self.place(cell / self.images, cell % self.images);
        let inside = ((at - place.min) / place.size() * packing as f32).floor();
        let last = packing as f32 - 1.0;
        inside.x.clamp(0.0, last) as usize * packing + inside.y.clamp(0.0, last) as usize
    }

    /// The place of a part.
    fn place_of_part(&self, cell: usize, part: usize, packing: usize) -> Rect {
        let place = self.place(cell / self.images, cell % self.images);
        let size = place.size() / packing as f32;
        let corner = vec2((part / packing) as f32, (part % packing) as f32) * size;
        Rect::from_min_size(place.min + corner, size)
    }

    /// The place of a cell.
    fn place(&self, class: usize, image: usize) -> Rect {
        let (column, line) = (image % self.columns, image / self.columns);
        let step = self.cell + Vec2::splat(CELL_GAP);
        let corner = self.corner(class) + vec2(self.label + column as f32 * step.x, line as f32 * step.y);
        Rect::from_min_size(corner.to_pos2(), self.cell)
    }

    /// The cell at a place.
    fn find(&self, at: Pos2, classes: usize) -> Option<usize> {
        (0..classes).find_map(|class| {
            let inside = at.to_vec2() - self.corner(class) - vec2(self.label, 0.0);
            let step = self.cell + Vec2::splat(CELL_GAP);
            let (column, line) = ((inside.x / step.x).floor(), (inside.y / step.y).floor());
            let fits = (0.0..self.columns as f32).contains(&column) && (0.0..self.lines as f32).contains(&line);
            let image = line.max(0.0) as usize * self.columns + column.max(0.0) as usize;
            (fits && image < self.images).then(|| class * self.images + image)
        })
    }
}

impl Panel {
    /// Draws the panel.
    pub(crate) fn show(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let shown = Self::header(ui, scene);
        let Some((_, gallery)) = scene.run.pictures.gallery(shown) else {
            let points = scene.run.info.as_ref().is_some_and(|info| info.data.shape[1..] == [1, 1]);
            let (title, hint) = match (points, scene.view.pictures) {
                (true, _) => ("These are points, not pictures", "The feature space shows them"),
                (_, false) => ("Pictures are off", "Press P to see them again"),
                _ => ("No images yet", "They appear as soon as the run stands ready"),
            };
            super::empty(ui, title, hint);
            return;
        };
        let gallery = gallery.clone();
        self.atlas.update(ui.ctx(), &gallery);
        self.cells(ui, scene, &gallery);
    }

    /// The choice of the picture and what is shown; returns the view that can be shown now.
    fn header(ui: &mut Ui, scene: &mut Scene<'_>) -> GalleryView {
        let wanted = scene.view.gallery;
        let pictures = &scene.run.pictures;
        // Until the wanted picture arrives, the newest one stays.
        let order = [wanted, GalleryView::Now, GalleryView::Start, GalleryView::Difference];
        let shown = order.into_iter().find(|view| pictures.gallery(*view).is_some()).unwrap_or(wanted);
        let narrow = ui.available_width() < NARROW;
        ui.horizontal(|ui| {
            let options = [
                (GalleryView::Start, "Start", "The images that they started from (G)"),
                (GalleryView::Now, "Now", "The images as they are (G)"),
                (GalleryView::Difference, "Difference", "Now minus start; grey is no change (G)"),
                (GalleryView::Opened, "Opened", "The set that was read from files"),
            ];
            let is_opened = scene.run.opened.is_some();
            super::choices(ui, &mut scene.view.gallery, &options[..if is_opened { 4 } else { 3 }]);
            if scene.run.parts() > 1 {
                ui.add_space(6.0);
                let hint = "Mosaics part by part, at the size at which networks see them (A)";
                ui.toggle_value(&mut scene.view.apart, "Apart").on_hover_text(hint);
            }
            if !narrow {
                sizes(ui, scene.view, pictures.gallery(shown));
            }
        });
        if let (GalleryView::Opened, Some(opened)) = (shown, &scene.run.opened) {
            if super::opened(ui, &opened.set.path, &opened.set.describe()) {
                scene.actions.push(Action::CloseSet);
            }
            super::reading::show(ui, &opened.set, scene.actions);
        }
        if narrow {
            ui.horizontal(|ui| sizes(ui, scene.view, pictures.gallery(shown)));
        }
        shown
    }

    fn cells(&self, ui: &mut Ui, scene: &mut Scene<'_>, gallery: &Gallery) {
        let (images, classes) = (gallery.grid[0], gallery.grid[1]);
        let pixels = vec2(gallery.cell[0].max(1) as f32, gallery.cell[1].max(1) as f32);
        let names: Vec<String> = (0..classes).map(|class| scene.run.class_name(class)).collect();
        let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(11);
        let label = 24.0 + 7.0 * longest as f32;
        let area = ui.available_size();
        let plan = Plan::fit(area, classes, images, label, pixels);
        let plan = plan.snapped(pixels, scene.view.magnify, ui.pixels_per_point());
        ScrollArea::both().auto_shrink(false).show(ui, |ui| {
            let size = plan.size(classes);
            let (rect, _) = ui.allocate_exact_size(size.max(ui.available_size()), Sense::hover());
            // What fits is centred, so that a wide panel does not look forgotten.
            let slack = ((rect.size() - size) * vec2(0.5, 0.35)).max(Vec2::ZERO);
            let origin = (rect.min.to_vec2() + slack).round();
            let response = Self::interact(ui, scene, gallery, plan, rect, origin);
            if !ui.is_rect_visible(rect) {
                return;
            }
            let seen = ui.clip_rect();
            let places = (0..images * classes)
                .map(|cell| (cell, plan.place(cell / images, cell % images).translate(origin)))
                .filter(|(_, place)| place.intersects(seen));
            ui.painter().extend(self.atlas.shapes(gallery, places));
            label_rows(ui, &names, scene.view.hover.class, plan, origin);
            outline(ui, scene, plan, origin, gallery.packing);
            if let Some(image) = scene.view.hover.image.filter(|_| response.hovered()) {
                super::card(&response, |ui| self.card(ui, scene, gallery, image));
            }
        });
    }

    /// Pointer and arrow keys.
    fn interact(
        ui: &Ui,
        scene: &mut Scene<'_>,
        gallery: &Gallery,
        plan: Plan,
        rect: Rect,
        origin: Vec2,
    ) -> egui::Response {
        let (images, classes) = (gallery.grid[0], gallery.grid[1]);
        let id = ui.scope_id().with("cells");
        let response = ui.interact(rect, id, Sense::click());
        let parts = gallery.packing * gallery.packing;
        let find = |at: Pos2| {
            let cell = plan.find(at - origin, classes)?;
            Some(cell * parts + plan.part(at - origin, cell, gallery.packing))
        };
        let found = response.hover_pos().and_then(find);
        if let Some(image) = found {
            scene.view.hovering.image = found;
            scene.view.hovering.class = Some(image / (images * parts).max(1));
        }
        if response.clicked() {
            response.request_focus();
            scene.view.selected.image = found;
        }
        super::space_runs(ui, &response, scene.actions);
        if response.has_focus() {
            let keep = egui::EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(id, keep));
            let before = scene.view.selected.image.unwrap_or(0);
            let mut cursor = before as isize;
            ui.input_mut(|input| {
                let moves = [
                    (Key::ArrowLeft, -1),
                    (Key::ArrowRight, 1),
                    (Key::ArrowUp, -(images as isize)),
                    (Key::ArrowDown, images as isize),
                ];
                for (key, by) in moves {
                    cursor += parts as isize * by * input.count_and_consume_key(egui::Modifiers::NONE, key) as isize;
                }
            });
            let cursor = cursor.clamp(0, (images * classes * parts) as isize - 1) as usize;
            scene.view.selected.image = Some(cursor);
        }
        let cursor = scene.view.selected.image.filter(|image| *image < images * classes * parts);
        let text = match cursor {
            Some(image) => format!("Gallery, {}", describe(scene, gallery, image).join(", ")),
            None => format!("Gallery, {classes} classes with {images} images each"),
        };
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &text));
        response
    }

    /// What stands beside the pointer: the image large, and its numbers.
    fn card(&self, ui: &mut Ui, scene: &Scene<'_>, gallery: &Gallery, image: usize) {
        let cell = image / (gallery.packing * gallery.packing);
        ui.horizontal(|ui| {
            let height = 96.0;
            let width = height * gallery.cell[0] as f32 / gallery.cell[1].max(1) as f32;
            let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
            ui.painter().extend(self.atlas.shapes(gallery, std::iter::once((cell, rect))));
            ui.vertical(|ui| {
                for (at, line) in describe(scene, gallery, image).into_iter().enumerate() {
                    let text = RichText::new(line);
                    ui.label(if at == 0 { text.strong() } else { text.small().weak() });
                }
            });
        });
    }
}

/// The numbers of an image that networks see, in words; distances and clipped values are those of its cell.
fn describe(scene: &Scene<'_>, gallery: &Gallery, image: usize) -> Vec<String> {
    let parts = gallery.packing * gallery.packing;
    let (cell, seen) = (image / parts, gallery.grid[0].max(1) * parts);
    let mut lines = vec![format!("{} · {}", scene.run.class_name(image / seen), scene.run.image_name(image % seen))];
    if let Some(moved) = gallery.moved.get(cell) {
        lines.push(format!("{moved:.3} from its start"));
    }
    if let Some(clipped) = gallery.clipped.get(cell) {
        lines.push(format!("{:.1} % of its values clipped", 100.0 * clipped));
    }
    if let Some(factor) = gallery.factors.get(cell) {
        lines.push(format!("counts {factor:.2} times in training"));
    }
    lines.extend(called(scene, image, gallery.moved.len() * parts));
    lines
}

/// What the networks of the newest evaluation call an image of so many.
fn called(scene: &Scene<'_>, image: usize, images: usize) -> Option<String> {
    let of_these = |one: &&Evaluation| one.subject == Subject::Synthetic && one.called.len() == images;
    let evaluation = scene.run.evaluations.iter().rev().find(of_these)?;
    let Called { class, probability } = evaluation.called.get(image)?;
    let names = &scene.run.info.as_ref()?.data.class_names;
    let name = names.get(*class as usize)?;
    Some(format!("networks of step {} call it {name}, {:.0} %", evaluation.step, 100.0 * probability))
}

/// From the right: how large the images are, which step they show, what they cannot show.
fn sizes(ui: &mut Ui, view: &mut View, shown: Option<&(u64, Gallery)>) {
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        for (magnify, text) in [(4.0, "4×"), (2.0, "2×"), (1.0, "Fit")] {
            if ui.selectable_label(view.magnify == magnify, text).on_hover_text("Size of the images").clicked() {
                view.magnify = magnify;
            }
        }
        let Some((step, gallery)) = shown else { return };
        ui.add_space(8.0);
        let clipped = gallery.clipped.iter().sum::<f32>() / gallery.clipped.len().max(1) as f32;
        let when = if gallery.view == GalleryView::Opened { String::new() } else { format!("step {step} · ") };
        let text = format!("{when}{:.1} % clipped", 100.0 * clipped);
        let hint = "Share of values outside the range that a picture can show";
        ui.add(egui::Label::new(RichText::new(text).small().weak()).truncate()).on_hover_text(hint);
    });
}

/// The names of the classes, each with its marker.
fn label_rows(ui: &Ui, names: &[String], hovered: Option<usize>, plan: Plan, origin: Vec2) {
    let theme = theme::of(ui);
    for (class, name) in names.iter().enumerate() {
        let corner = (plan.corner(class) + origin).to_pos2();
        let middle = corner.y + 0.5 * plan.cell.y.min(plan.block().y);
        let edge = Stroke::new(1.0, theme::fade(theme.ground, 0.6));
        marker::paint(ui.painter(), class, pos2(corner.x + 7.0, middle), 4.0, theme.class(class), edge);
        let font = egui::FontId::proportional(theme::SMALL);
        let color = if hovered == Some(class) { theme.accent } else { theme.dim };
        let text: String = name.chars().take(11).collect();
        ui.painter().text(pos2(corner.x + 17.0, middle), egui::Align2::LEFT_CENTER, text, font, color);
    }
}

/// A frame around the image under the pointer and around the one that the keys stand on.
fn outline(ui: &Ui, scene: &Scene<'_>, plan: Plan, origin: Vec2, packing: usize) {
    let theme = theme::of(ui);
    let parts = packing * packing;
    let frame = |image: usize, stroke: Stroke| {
        let place = plan.place_of_part(image / parts, image % parts, packing).translate(origin).expand(1.5);
        ui.painter().rect_stroke(place, 1.0, stroke, egui::StrokeKind::Outside);
    };
    if let Some(image) = scene.view.selected.image {
        frame(image, Stroke::new(1.5, theme.text));
    }
    if let Some(image) = scene.view.hover.image {
        frame(image, Stroke::new(2.0, theme.accent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_is_found_where_it_stands() {
        for (classes, images) in [(10, 10), (10, 1), (100, 50), (3, 7)] {
            let pixels = vec2(32.0, 32.0);
            let plan = Plan::fit(vec2(600.0, 500.0), classes, images, 60.0, pixels).snapped(pixels, 1.0, 1.0);
            for cell in 0..classes * images {
                let centre = plan.place(cell / images, cell % images).center();
                assert_eq!(plan.find(centre, classes), Some(cell), "{classes} x {images}");
                for part in 0..9 {
                    let middle = plan.place_of_part(cell, part, 3).center();
                    assert_eq!(plan.part(middle, cell, 3), part, "{classes} x {images}");
                }
            }
            // Cells at their smallest do not fit any more; the panel scrolls then.
            let size = plan.size(classes);
            let smallest = plan.cell.x <= 0.25 * pixels.x;
            assert!(smallest || (size.x <= 620.0 && size.y <= 520.0), "{size:?} for {classes} x {images}");
        }
    }
}
