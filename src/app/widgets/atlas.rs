//! All synthetic images in textures: uploaded when they change, cut into pages where a texture would be too large.

use std::sync::Arc;

use egui::{ColorImage, Context, Mesh, Rect, Shape, TextureHandle, TextureOptions, pos2, vec2};

use crate::{app::theme, report::Gallery};

/// The textures of a gallery.
#[derive(Default)]
pub(crate) struct Atlas {
    source: Option<Arc<[u8]>>,
    pages: Vec<Page>,
    grid: [usize; 2],
    /// Cells of a page, across and down.
    page_cells: [usize; 2],
}

struct Page {
    texture: TextureHandle,
    size: [usize; 2],
}

impl Atlas {
    /// Uploads a gallery unless it is the one that is shown.
    pub(crate) fn update(&mut self, ctx: &Context, gallery: &Gallery) {
        if self.source.as_ref().is_some_and(|known| Arc::ptr_eq(known, &gallery.rgba)) {
            return;
        }
        let side = ctx.input(|input| input.max_texture_side).max(1);
        let fit = |axis: usize| (side / gallery.cell[axis].max(1)).clamp(1, gallery.grid[axis].max(1));
        let page_cells = [fit(0), fit(1)];
        let mut old = std::mem::take(&mut self.pages).into_iter();
        for top in (0..gallery.grid[1]).step_by(page_cells[1]) {
            for left in (0..gallery.grid[0]).step_by(page_cells[0]) {
                let image = cut(gallery, [left, top], page_cells);
                let size = image.size;
                // The same texture is written again, so that none is made while a run goes on.
                let page = match old.next() {
                    Some(mut page) => {
                        page.texture.set(image, TextureOptions::NEAREST);
                        Page { size, ..page }
                    }
                    None => Page { texture: ctx.load_texture("gallery", image, TextureOptions::NEAREST), size },
                };
                self.pages.push(page);
            }
        }
        self.grid = gallery.grid;
        self.page_cells = page_cells;
        self.source = Some(gallery.rgba.clone());
    }

    /// The shapes that draw cells into rectangles: one mesh for each page.
    pub(crate) fn shapes(&self, gallery: &Gallery, places: impl Iterator<Item = (usize, Rect)>) -> Vec<Shape> {
        let mut meshes: Vec<Mesh> = self.pages.iter().map(|page| Mesh::with_texture(page.texture.id())).collect();
        let across = self.grid[0].div_ceil(self.page_cells[0].max(1));
        for (cell, place) in places {
            let (column, row) = (cell % self.grid[0].max(1), cell / self.grid[0].max(1));
            let index = row / self.page_cells[1] * across + column / self.page_cells[0];
            let Some(page) = self.pages.get(index) else { continue };
            let size = vec2(gallery.cell[0] as f32, gallery.cell[1] as f32);
            let corner =
                pos2((column % self.page_cells[0]) as f32 * size.x, (row % self.page_cells[1]) as f32 * size.y);
            let whole = vec2(page.size[0] as f32, page.size[1] as f32);
            let uv =
                Rect::from_min_max((corner.to_vec2() / whole).to_pos2(), ((corner + size).to_vec2() / whole).to_pos2());
            meshes[index].add_rect_with_uv(place, uv, theme::coverage(255));
        }
        meshes.into_iter().filter(|mesh| !mesh.is_empty()).map(Shape::mesh).collect()
    }
}

/// The cells from `corner` on, as one image.
fn cut(gallery: &Gallery, corner: [usize; 2], cells: [usize; 2]) -> ColorImage {
    let span = |axis: usize| (gallery.grid[axis] - corner[axis]).min(cells[axis]) * gallery.cell[axis];
    let size = [span(0), span(1)];
    let stride = gallery.grid[0] * gallery.cell[0] * 4;
    let (left, top) = (corner[0] * gallery.cell[0] * 4, corner[1] * gallery.cell[1]);
    let mut bytes = Vec::with_capacity(size[0] * size[1] * 4);
    for row in top..top + size[1] {
        let from = row * stride + left;
        bytes.extend_from_slice(&gallery.rgba[from..from + size[0] * 4]);
    }
    ColorImage::from_rgba_unmultiplied(size, &bytes)
}
