//! `fewshot`: classes that no network has seen, known by a few images each.

use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::{ConfigArgs, parse_classes, tables};
use crate::{
    error::{Error, Result},
    methods::energy::{Episodes, FewShot, NewClasses},
    report::Accuracy,
};

#[derive(Args)]
pub(super) struct FewShotArgs {
    /// Classes of an episode
    #[arg(long, value_name = "N", default_value_t = 5)]
    ways: usize,
    /// Known images of each
    #[arg(long, value_name = "K", default_value_t = 5)]
    shots: usize,
    /// Number of episodes
    #[arg(long, value_name = "E", default_value_t = 20)]
    episodes: usize,
    /// Images of each class that are to be named
    #[arg(long, value_name = "Q", default_value_t = 50)]
    queries: usize,
    /// Labels that the network is trained on, for example 0-4; episodes draw from the others. Without it the first half
    #[arg(long, value_name = "LIST")]
    base: Option<String>,
    /// Features are raised to this power first, against their skewness (Tukey): 0.8 as released for CUB, 1 leaves them
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    power: f64,
    /// End with one JSON object on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

impl FewShotArgs {
    pub(super) fn run(self) -> Result<()> {
        let config = self.config.read()?;
        let data = Arc::new(config.data.load(config.seed)?.with_holdout(config.holdout, config.seed));
        let device = config.device.open()?;
        let base = match &self.base {
            Some(list) => parse_classes(list)?,
            None => (0..data.classes() as u32 / 2).collect(),
        };
        if base.len() < 2 || base.iter().any(|&class| class as usize >= data.classes()) {
            return Err(Error::Config(format!("--base names two classes at least, below {}", data.classes())));
        }
        let network = config.pool.network(&config.network);
        eprintln!("training {} on {} base classes of {}", network.describe(), base.len(), data.name());
        let classes = NewClasses::new(&data, &base, &network, &device, (self.power, config.seed))?;
        let Self { ways, shots, queries, power, episodes: count, .. } = self;
        let how = FewShot { ways, shots, queries, power, episodes: count, ..FewShot::default() };
        classes.check(&how)?;
        let mut episodes = Episodes::default();
        for number in 0..count {
            classes.episode(&how, config.seed, number as u64, &mut episodes);
            eprintln!("episode {}: {:.1} %", number + 1, 100.0 * episodes.energy[number]);
        }
        let rows = [
            ("potential energy", &episodes.energy),
            ("logistic regression", &episodes.logistic),
            ("nearest mean", &episodes.nearest_mean),
        ];
        if self.json {
            let row = |values: &[f64]| json!({ "values": values, "mean": Accuracy::of(values, "").mean, "interval": half_width(values) });
            let [energy, logistic, mean] = rows.map(|(_, values)| row(values));
            println!("{}", json!({ "energy": energy, "logistic": logistic, "nearest_mean": mean }));
            return Ok(());
        }
        let head =
            [format!("{ways} ways, {shots} shots"), "accuracy, %".to_owned(), "beside potential energy".to_owned()];
        let mut table = vec![head.to_vec()];
        for (name, values) in rows {
            let gaps: Vec<f64> = values.iter().zip(&episodes.energy).map(|(value, energy)| value - energy).collect();
            let beside = match name == rows[0].0 {
                true => String::new(),
                false => format!("{:+.1} ± {:.1}", 100.0 * Accuracy::of(&gaps, "").mean, 100.0 * half_width(&gaps)),
            };
            let mean = 100.0 * Accuracy::of(values, "").mean;
            table.push(vec![name.to_owned(), format!("{mean:.1} ± {:.1}", 100.0 * half_width(values)), beside]);
        }
        print!("{}", tables::aligned(&table));
        println!(
            "{}, {count} episodes with {queries} queries a class, mean and 95 % interval; classes {} are new to {}",
            data.name(),
            (0..data.classes() as u32)
                .filter(|class| !base.contains(class))
                .map(|class| class.to_string())
                .collect::<Vec<_>>()
                .join(", "),
            network.describe()
        );
        Ok(())
    }
}

/// Half of the 95 % interval of a mean.
fn half_width(values: &[f64]) -> f64 {
    1.96 * Accuracy::of(values, "").std / (values.len().max(1) as f64).sqrt()
}
