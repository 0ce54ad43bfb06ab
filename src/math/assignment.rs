//! Who goes with whom so that it costs least; energy maps pick by it, and transport is held against it.

/// The sample of each row so that the sum of the costs is least: shortest augmenting paths with prices (Kuhn, Munkres;
/// Jonker and Volgenant). There must be no more rows than columns.
pub fn least_cost(costs: &[Vec<f64>]) -> Vec<usize> {
    let (rows, columns) = (costs.len(), costs.first().map_or(0, Vec::len));
    // Row and column 0 are a start that stands for nothing.
    let (mut row_price, mut column_price) = (vec![0.0; rows + 1], vec![0.0; columns + 1]);
    let mut row_of = vec![0; columns + 1];
    for row in 1..=rows {
        row_of[0] = row;
        let (mut least, mut came_from) = (vec![f64::INFINITY; columns + 1], vec![0; columns + 1]);
        let mut is_done = vec![false; columns + 1];
        let mut column = 0;
        while row_of[column] != 0 {
            is_done[column] = true;
            let here = row_of[column];
            let (mut nearest, mut step) = (0, f64::INFINITY);
            for next in 1..=columns {
                if is_done[next] {
                    continue;
                }
                let reduced = costs[here - 1][next - 1] - row_price[here] - column_price[next];
                if reduced < least[next] {
                    (least[next], came_from[next]) = (reduced, column);
                }
                if least[next] < step {
                    (step, nearest) = (least[next], next);
                }
            }
            for other in 0..=columns {
                if is_done[other] {
                    row_price[row_of[other]] += step;
                    column_price[other] -= step;
                } else {
                    least[other] -= step;
                }
            }
            column = nearest;
        }
        while column != 0 {
            row_of[column] = row_of[came_from[column]];
            column = came_from[column];
        }
    }
    let mut of_row = vec![0; rows];
    (1..=columns).filter(|&column| row_of[column] > 0).for_each(|column| of_row[row_of[column] - 1] = column - 1);
    of_row
}
