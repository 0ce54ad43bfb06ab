//! What the synthetic images are before the first step.

use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::{Packing, SyntheticSet};
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
    /// Makes the images of some classes, each of `packing` by `packing` parts; each class depends on its own stream only.
    pub fn images(
        self,
        data: &Dataset,
        classes: &[u32],
        (per_class, packing): (usize, usize),
        seed: u64,
    ) -> Result<SyntheticSet> {
        let shape = data.shape();
        let parts = Packing::new(shape, packing);
        let needed = per_class * parts.parts();
        let mut values = Vec::with_capacity(classes.len() * per_class * shape.len());
        for &class in classes {
            let mut rng = stream(seed, Purpose::Start, 0, u64::from(class));
            match self {
                Self::Real => {
                    let usable = data.usable(class);
                    if usable.len() < needed {
                        return Err(Error::Data(format!(
                            "class \"{}\" has {} images to start from, fewer than the {needed} asked for. \
                             Ask for fewer with --ipc, or use --set images.start=\"noise\"",
                            data.class_name(class),
                            usable.len()
                        )));
                    }
                    let chosen = choose(usable.len(), needed, &mut rng);
                    let chosen: Vec<u32> = chosen.into_iter().map(|position| usable[position]).collect();
                    let chosen = data.gather(data.train(), &chosen);
                    if packing == 1 {
                        values.extend(chosen);
                    } else {
                        let mosaics = chosen.chunks_exact(parts.parts() * shape.len());
                        values.extend(mosaics.flat_map(|images| parts.pack(images)));
                    }
                }
                Self::Noise => {
                    let noise = StandardNormal.sample_iter(&mut rng);
                    values.extend(noise.take(per_class * shape.len()).map(|value: f32| value));
                }
            }
        }
        Ok(SyntheticSet { shape, classes: classes.to_vec(), per_class, packing, values, masses: None })
    }
}
