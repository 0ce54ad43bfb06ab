//! Numbers as people read them, the same in the window, in the terminal and in messages.

/// Bytes in words.
pub fn bytes(count: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 || value >= 100.0 {
        format!("{value:.0} {}", units[unit])
    } else {
        format!("{value:.1} {}", units[unit])
    }
}

/// A span of time in words; what is not finite is not known.
pub fn duration(secs: f64) -> String {
    if !secs.is_finite() {
        return "an unknown time".to_owned();
    }
    let whole = secs.round().max(0.0) as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// A count with a comma between groups of three digits.
pub fn grouped(count: u64) -> String {
    let text = count.to_string();
    let mut out = String::new();
    for (position, digit) in text.chars().enumerate() {
        if position > 0 && (text.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with the word for one or for many.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A mean in percent with the spread of so many values; a single one has none.
pub fn percent(mean: f64, spread: f64, values: usize) -> String {
    let mean = 100.0 * mean;
    if values > 1 { format!("{mean:.1} ± {:.1} %", 100.0 * spread) } else { format!("{mean:.1} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_short() {
        assert_eq!([bytes(12.0), bytes(6400.0), bytes(2.5e8)], ["12 B", "6.4 kB", "250 MB"]);
        assert_eq!([duration(7.4), duration(125.0), duration(3780.0)], ["7 s", "2 min 05 s", "1 h 03 min"]);
        assert_eq!(duration(f64::INFINITY), "an unknown time");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!([counted(1, "class", "classes"), counted(2000, "class", "classes")], ["1 class", "2,000 classes"]);
        assert_eq!([percent(0.5, 0.25, 2), percent(0.5, 0.0, 1)], ["50.0 ± 25.0 %", "50.0 %"]);
    }
}
