//! Writes what the parity harness needs to do the same steps in PyTorch: start images, networks, real batches and draws of the
//! first steps, and what our own steps made of them. `benches/parity/parity.py` starts it and reads the file.
//!
//!     cargo bench --bench parity -- OUT.safetensors PRESET DATA SEED STEPS

use std::{collections::HashMap, env, path::Path, sync::Arc};

use candle_core::{Tensor, Var};
use serde_json::json;
use spiritsafe::{
    config::RunConfig,
    data::Dataset,
    evaluate::{Chosen, Optimizer, Recipe, Training},
    methods::{Matching, Method as _, Pretrained, Setup, Updates},
    nn::{
        Device, NetworkSpec,
        augment::{Draw, Family},
        init::Init,
    },
    random::{Purpose, choose, stream},
};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [out, preset, data, seed, steps] = arguments.as_slice() else {
        println!("usage: cargo bench --bench parity -- OUT.safetensors PRESET DATA SEED STEPS");
        return Ok(());
    };
    let settings = [format!("data={data:?}"), format!("seed={seed}"), "holdout=0.0".to_owned()];
    let config = RunConfig::preset(preset, &settings)?;
    let data = Arc::new(config.data.load(config.seed)?);
    config.check(&data)?;
    Export { config, data, tensors: HashMap::new() }.write(Path::new(out), steps.parse()?)
}

struct Export {
    config: RunConfig,
    data: Arc<Dataset>,
    tensors: HashMap<String, Tensor>,
}

impl Export {
    fn write(mut self, out: &Path, steps: u64) -> Fallible<()> {
        let images = self.config.start_images(&self.data)?;
        let mut method = Matching::new(
            self.config.matching(&self.data),
            Setup {
                data: self.data.clone(),
                device: Device::CPU,
                seed: self.config.seed,
                images,
                learning_rate: self.config.optimizer.learning_rate,
            },
        )?;
        let terms: Vec<String> = method.controls().into_iter().map(|control| control.id).collect();
        let weights: HashMap<String, f64> =
            method.controls().into_iter().map(|control| (control.id, control.default)).collect();
        if terms.iter().any(|term| weights[term] > 0.0 && method.needs_pool(term)) {
            let pool = self.pool()?;
            method.set_pool(pool)?;
        }
        self.images("start", &method.state().images.values)?;
        let mut reports = Vec::new();
        let mut draws = Vec::new();
        let mut queue = Vec::new();
        for step in 1..=steps {
            draws.push(self.inputs(step)?);
            if self.config.queue.is_some() {
                queue.push(self.queue_inputs(step, &method)?);
            }
            let before = method.state().velocity.clone();
            let report = method.step(&|| false)?;
            let gradient = self.gradient(&before, &method.state().velocity);
            self.images(&format!("{step}.ours.gradient"), &gradient)?;
            self.images(&format!("{step}.ours.images"), &method.state().images.values)?;
            reports.push(serde_json::to_value(&report)?);
        }
        let about = json!({
            "preset": self.config.name, "seed": self.config.seed, "steps": steps, "weights": weights, "draws": draws,
            "queue": queue, "reports": reports, "network": self.config.network, "pool": self.config.pool.network(&self.config.network),
            "pool_size": self.config.pool.size(&self.config.network), "classes": self.data.classes(), "spec": self.config,
            "families": self.config.augmentation.of(&self.data),
            "mean": self.data.normalisation().mean, "std": self.data.normalisation().std,
        });
        let about = HashMap::from([("about".to_owned(), about.to_string())]);
        std::fs::write(out, safetensors::serialize(self.tensors, Some(about))?)?;
        Ok(())
    }

    fn images(&mut self, name: &str, values: &[f32]) -> Fallible<()> {
        let [channels, height, width] = self.data.shape().dims();
        let tensor = Tensor::from_slice(values, ((), channels, height, width), &Device::CPU)?;
        self.tensors.insert(name.to_owned(), tensor);
        Ok(())
    }

    fn parameters(&mut self, name: &str, variables: &[Var]) -> Fallible<()> {
        for (at, variable) in variables.iter().enumerate() {
            self.tensors.insert(format!("{name}.{at}"), variable.as_detached_tensor().copy()?);
        }
        Ok(())
    }

    /// The pool, trained as a run would.
    fn pool(&mut self) -> Fallible<Vec<Arc<Pretrained>>> {
        let network = self.config.pool.network(&self.config.network);
        let usable = self.data.all_usable();
        let mut recipe = Recipe::pretraining(network.clone(), 1);
        recipe.epochs = self.config.pool.epochs(usable.len().div_ceil(recipe.batch));
        recipe.optimizer = Optimizer::Sgd { rate: 0.01, weight_decay: self.config.pool.weight_decay };
        let mut pool = Vec::new();
        for position in 0..self.config.pool.size(&self.config.network) {
            let examples = Arc::new(Chosen::new(self.data.clone(), usable.clone()));
            let (classes, seed) = (self.data.classes(), self.config.seed);
            let mut training = Training::of_pool(recipe.clone(), examples, classes, &Device::CPU, seed, position)?;
            while training.advance()? {}
            let variables = training.network().variables();
            self.parameters(&format!("pool.{position}"), &variables)?;
            let known = variables.iter().map(Var::as_detached_tensor).collect();
            let mut unused = stream(0, Purpose::Pretraining, 0, 0);
            let device = Device::CPU;
            let init = Init::frozen(&mut unused, &device).with_known(known);
            let network = network.build(self.data.shape(), classes, init)?;
            pool.push(Arc::new(Pretrained { name: String::new(), network, typical_distance: 1.0, accuracy: None }));
        }
        Ok(pool)
    }

    /// What a step draws: network, member of the pool, real images of each class, and one augmentation a class.
    fn inputs(&mut self, step: u64) -> Fallible<serde_json::Value> {
        let seed = self.config.seed;
        if self.config.queue.is_none() {
            self.drawn_network(&format!("{step}.network"), Purpose::MatchingNetwork, step)?;
        }
        let pool = self.config.pool.size(&self.config.network);
        let looks = choose(pool, 1, &mut stream(seed, Purpose::PoolNetwork, step, 0))[0];
        let families: Vec<Family> = self.config.augmentation.of(&self.data).to_vec();
        let (mut real, mut draws) = (Vec::new(), Vec::new());
        for class in 0..self.data.classes() as u32 {
            let usable = self.data.usable(class);
            let count = self.config.real.batch.min(self.data.smallest_class());
            let mut rng = stream(seed, Purpose::RealBatch, step, u64::from(class));
            let chosen: Vec<u32> = choose(usable.len(), count, &mut rng).into_iter().map(|at| usable[at]).collect();
            real.extend(self.data.gather(self.data.train(), &chosen));
            let mut rng = stream(seed, Purpose::Augmentation, step, u64::from(class));
            draws.push(told(Draw::sample(&families, self.data.shape(), &mut rng)));
        }
        self.images(&format!("{step}.real"), &real)?;
        Ok(json!({ "pool": looks, "classes": draws }))
    }

    fn drawn_network(&mut self, name: &str, purpose: Purpose, number: u64) -> Fallible<()> {
        let mut rng = stream(self.config.seed, purpose, number, 0);
        let device = Device::CPU;
        let init = Init::trainable(&mut rng, &device);
        let network: &NetworkSpec = &self.config.network;
        let network = network.build(self.data.shape(), self.data.classes(), init)?;
        self.parameters(name, &network.variables())
    }

    /// What the queue draws at a step: who looks, who learns, and from what.
    fn queue_inputs(&mut self, step: u64, method: &Matching) -> Fallible<serde_json::Value> {
        let spec = self.config.queue.clone().ok_or("no queue")?;
        let view = method.queue().ok_or("no queue")?.view(step);
        for one in &view {
            let name = format!("queue.{}", one.serial);
            if !self.tensors.contains_key(&format!("{name}.0")) {
                self.drawn_network(&name, Purpose::QueueNetwork, one.serial)?;
            }
        }
        let usable = self.data.all_usable();
        // In the order in which they learn, which is that of the draw.
        let mut rng = stream(self.config.seed, Purpose::QueueChoice, step, 1);
        let learn = choose(view.len(), spec.trained, &mut rng);
        for slot in 0..learn.len() {
            let (mut images, mut labels) = (Vec::new(), Vec::new());
            for batch in 0..spec.batches {
                let number = ((slot as u64) << 32) | batch as u64;
                let mut rng = stream(self.config.seed, Purpose::QueueBatch, step, number);
                let chosen = choose(usable.len(), spec.batch, &mut rng);
                let chosen: Vec<u32> = chosen.into_iter().map(|at| usable[at]).collect();
                images.extend(self.data.gather(self.data.train(), &chosen));
                labels.extend(chosen.iter().map(|&index| i64::from(self.data.train().labels()[index as usize])));
            }
            self.images(&format!("{step}.learn.{slot}.images"), &images)?;
            let count = labels.len();
            self.tensors.insert(format!("{step}.learn.{slot}.labels"), Tensor::from_vec(labels, count, &Device::CPU)?);
        }
        let looks = view.iter().find(|one| one.looks).ok_or("nobody looks")?.serial;
        let learn: Vec<u64> = learn.into_iter().map(|position| view[position].serial).collect();
        Ok(json!({ "looks": looks, "learn": learn }))
    }

    /// The gradient of a step from the velocities before and after it: `v' = late (momentum early v + g)` for a class that coasts
    /// before and after its turn.
    fn gradient(&self, before: &[f32], after: &[f32]) -> Vec<f32> {
        let (classes, momentum) = (self.data.classes(), self.config.optimizer.momentum);
        let per_class = after.len() / classes;
        let coasts = |class: usize| match self.config.optimizer.updates {
            Updates::Together => [0, 0],
            Updates::ByClass => [class, classes - 1 - class],
        };
        let of = |at: usize| {
            let [early, late] = coasts(at / per_class).map(|count| momentum.powi(count as i32));
            (f64::from(after[at]) / late - momentum * early * f64::from(before[at])) as f32
        };
        (0..after.len()).map(of).collect()
    }
}

/// A draw as its family and numbers.
fn told(draw: Draw) -> serde_json::Value {
    match draw {
        Draw::Color { brightness, saturation, contrast } => json!(["color", brightness, saturation, contrast]),
        Draw::Crop { dx, dy } => json!(["crop", dx, dy]),
        Draw::Cutout { x, y } => json!(["cutout", x, y]),
        Draw::Flip { flipped } => json!(["flip", flipped]),
        Draw::Scale { sx, sy } => json!(["scale", sx, sy]),
        Draw::Rotate { radians } => json!(["rotate", radians]),
        Draw::Identity | Draw::Window { .. } => json!(["identity"]),
    }
}
