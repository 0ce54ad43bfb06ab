//! `data` and `presets`: what there is.

use std::{
    fmt::Write as _,
    io::{Write as _, stdout},
};

use super::tables;
use crate::{
    config::{PRESETS, RunConfig},
    data::DataSpec,
    error::{Error, Result},
    evaluate::{all_published, published_data},
};

/// Says what is in a data set.
pub(super) fn data(spec: DataSpec, size: Option<usize>) -> Result<()> {
    let spec = size.map_or(Ok(spec.clone()), |size| spec.with_size(size))?;
    let mut text = String::new();
    let share = RunConfig::default().holdout;
    let data = spec.load(0)?.with_holdout(share, 0);
    let info = data.info();
    let [channels, height, width] = info.shape;
    writeln!(text, "{}: {}", info.name, info.origin).expect("writing to a string");
    writeln!(text, "images       {channels} x {height} x {width} (channels, height, width)")
        .expect("writing to a string");
    writeln!(text, "training     {} in {} classes", info.train + info.holdout, info.class_names.len())
        .expect("writing to a string");
    writeln!(text, "hold-out     {} of these, with holdout={share} as most presets have it", info.holdout)
        .expect("writing to a string");
    writeln!(text, "test         {}", info.test).expect("writing to a string");
    writeln!(text, "split        {}", data.split()).expect("writing to a string");
    writeln!(text, "mean         {:?}", data.normalisation().mean).expect("writing to a string");
    writeln!(text, "deviation    {:?}", data.normalisation().std).expect("writing to a string");
    writeln!(text, "fingerprint  {}", info.fingerprint).expect("writing to a string");
    for note in data.notes().iter().filter(|note| *note != data.split()) {
        writeln!(text, "note         {note}").expect("writing to a string");
    }
    writeln!(text, "class        training images").expect("writing to a string");
    for (class, name) in info.class_names.iter().enumerate() {
        writeln!(text, "{class:>3}  {name:<12} {}", data.train().of_class(class as u32).len())
            .expect("writing to a string");
    }
    show(&text);
    Ok(())
}

/// Lists the presets with the sentence that explains them.
pub(super) fn presets() -> Result<()> {
    let mut text = String::new();
    let width = PRESETS.iter().map(|preset| preset.name.len()).max().unwrap_or_default();
    for preset in PRESETS {
        let config = RunConfig::preset(preset.name, &[])?;
        writeln!(text, "{:<width$} {}", preset.name, config.about).expect("writing to a string");
    }
    show(&text);
    Ok(())
}

/// Lists what papers say, with the rules by which it was made and what is stored: rows of different rules are not to be ranked.
pub(super) fn published(data: &str) -> Result<()> {
    if !published_data().contains(&data) {
        let names = published_data().join(", ");
        return Err(Error::Config(format!("there are no published figures for \"{data}\". Use one of: {names}")));
    }
    let head = ["images a class", "method", "accuracy, %", "made by", "stored", "source"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for per_class in [1, 10, 50] {
        for row in all_published(data, per_class) {
            let std = row.std.map_or_else(String::new, |std| format!(" ± {:.1}", 100.0 * std));
            let note = row.note.map_or_else(String::new, |note| format!("; {note}"));
            let accuracy = format!("{:.1}{std}", 100.0 * row.accuracy);
            rows.push(vec![
                per_class.to_string(),
                row.method,
                accuracy,
                row.protocol,
                row.stored,
                format!("{}{note}", row.source),
            ]);
        }
    }
    show(&tables::aligned(&rows));
    Ok(())
}

/// A reader that has gone away, such as `head`, is no error.
fn show(text: &str) {
    let _ = stdout().write_all(text.as_bytes());
}

/// The licences of all crates, as `assets/licences/notices.py` gathered them.
pub(super) fn licenses() {
    // Whoever reads them may close the pipe in the middle.
    let _ = std::io::stdout().write_all(include_bytes!("../../assets/licences/notices.txt"));
}
