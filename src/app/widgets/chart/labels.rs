//! Names beside points, none of them cut and none upon another.

use egui::{Pos2, Rect, Vec2, vec2};

/// Where a name stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placed {
    /// Its room.
    pub(crate) rect: Rect,
    /// True where a line leads from the point to its name.
    pub(crate) leader: bool,
}

/// Between a point and its name.
const GAP: f32 = 3.0;
/// Rows that a name may be away from its point.
const FAR: i8 = 12;

/// Room for names of these sizes beside their points, inside `bounds`; none for what finds no room. A name stands to the right of its
/// point, to the left, above or below; where all that is taken, in a row farther away, with a line that leads there.
pub(crate) fn place(points: &[(Pos2, Vec2)], radius: f32, bounds: Rect) -> Vec<Option<Placed>> {
    let markers: Vec<Rect> =
        points.iter().map(|(at, _)| Rect::from_center_size(*at, Vec2::splat(2.0 * radius))).collect();
    let mut taken: Vec<Rect> = Vec::new();
    let mut placed = vec![None; points.len()];
    // From above, so that names of a crowd stand in the order of their points.
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| points[a].0.y.total_cmp(&points[b].0.y).then(a.cmp(&b)));
    for at in order {
        let (point, size) = points[at];
        let is_free = |rect: &Rect| {
            let others = markers.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, marker)| marker);
            bounds.contains_rect(*rect) && !taken.iter().chain(others).any(|other| other.intersects(*rect))
        };
        let found = near(point, size, radius).into_iter().map(|rect| (rect, false));
        let found = found.chain(far(point, size, radius).into_iter().map(|rect| (rect, true)));
        if let Some((rect, leader)) = found.into_iter().find(|(rect, _)| is_free(rect)) {
            taken.push(rect);
            placed[at] = Some(Placed { rect, leader });
        }
    }
    placed
}

fn near(point: Pos2, size: Vec2, radius: f32) -> [Rect; 4] {
    let (x, y) = (radius + GAP + 0.5 * size.x, radius + GAP + 0.5 * size.y);
    [vec2(x, 0.0), vec2(-x, 0.0), vec2(0.0, -y), vec2(0.0, y)].map(|way| Rect::from_center_size(point + way, size))
}

fn far(point: Pos2, size: Vec2, radius: f32) -> Vec<Rect> {
    let x = radius + 4.0 * GAP + 0.5 * size.x;
    let rows = (1..=FAR).flat_map(|row| [f32::from(row), -f32::from(row)]);
    let places = rows.flat_map(|row| [vec2(x, row * (size.y + 1.0)), vec2(-x, row * (size.y + 1.0))]);
    places.map(|way| Rect::from_center_size(point + way, size)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn names_in_a_crowd_neither_overlap_nor_leave_the_picture() {
        let bounds = Rect::from_min_size(Pos2::ZERO, vec2(300.0, 160.0));
        let crowd: Vec<(Pos2, Vec2)> = (0..9_u8)
            .map(|at| (pos2(280.0 - 2.0 * f32::from(at % 3), 70.0 + f32::from(at)), vec2(60.0, 12.0)))
            .collect();
        let placed: Vec<Placed> = place(&crowd, 4.0, bounds).into_iter().flatten().collect();
        assert!(placed.len() >= 7, "{} of nine", placed.len());
        for (at, one) in placed.iter().enumerate() {
            assert!(bounds.contains_rect(one.rect), "{one:?} is cut");
            assert!(placed[..at].iter().all(|other| !other.rect.intersects(one.rect)), "{one:?}");
        }
        assert!(placed.iter().any(|one| one.leader));
    }

    #[test]
    fn a_name_alone_stands_to_the_right() {
        let bounds = Rect::from_min_size(Pos2::ZERO, vec2(300.0, 100.0));
        let placed = place(&[(pos2(50.0, 50.0), vec2(40.0, 12.0))], 4.0, bounds);
        let one = placed[0].unwrap();
        assert!(!one.leader && one.rect.left() > 54.0 && one.rect.center().y == 50.0);
        let placed = place(&[(pos2(290.0, 50.0), vec2(40.0, 12.0))], 4.0, bounds);
        assert!(placed[0].unwrap().rect.right() < 290.0, "at the right edge it stands to the left");
    }
}
