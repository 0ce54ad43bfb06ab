//! What the synthetic images are before the first step.

use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::SyntheticSet;
use crate::{
    data::Dataset,
    error::{Error, Result},
    random::{Purpose, choose, stream},
};

/// Where the images start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// Different random real images of each class.
    #[default]
    Real,
    /// Gaussian noise in normalised space, mean 0 and deviation 1.
    Noise,
}

impl Start {
    /// Makes the images of some classes; each class depends on its own stream only.
    pub fn images(self, data: &Dataset, classes: &[u32], per_class: usize, seed: u64) -> Result<SyntheticSet> {
        let shape = data.shape();
        let mut values = Vec::with_capacity(classes.len() * per_class * shape.len());
        for &class in classes {
            let mut rng = stream(seed, Purpose::Start, 0, u64::from(class));
            match self {
                Self::Real => {
                    let usable = data.usable(class);
                    if usable.len() < per_class {
                        return Err(Error::Data(format!(
                            "class \"{}\" has {} images to start from, fewer than the {per_class} asked for. \
                             Ask for fewer with --ipc, or use --set images.start=\"noise\"",
                            data.class_name(class),
                            usable.len()
                        )));
                    }
                    let chosen = choose(usable.len(), per_class, &mut rng);
                    let chosen: Vec<u32> = chosen.into_iter().map(|position| usable[position]).collect();
                    values.extend(data.gather(data.train(), &chosen));
                }
                Self::Noise => {
                    let noise = StandardNormal.sample_iter(&mut rng);
                    values.extend(noise.take(per_class * shape.len()).map(|value: f32| value));
                }
            }
        }
        Ok(SyntheticSet { shape, classes: classes.to_vec(), per_class, values })
    }
}
