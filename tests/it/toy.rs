//! A method that a researcher adds: everything that it needs is in this file, and nothing else was touched.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use spiritsafe::{
    config::RunConfig,
    data::Dataset,
    distilled::{Array, Blobs, Saved, State, Values},
    engine::{Command, Start},
    error::{Error, Result},
    methods::{METHODS, Method, MethodEntry, MethodSpec, Methods, Planned, Pretrained, Scope, Setup},
    report::{Control, ControlKind, StepReport},
};

use crate::support::{
    assert_equal_runs,
    driving::{begin, folder, start, wait_applied, wait_failed, wait_finished, wait_step},
};

/// Moves every image towards the mean of its class.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TowardsMean {
    pull: f64,
}

impl Default for TowardsMean {
    fn default() -> Self {
        Self { pull: 0.5 }
    }
}

impl MethodSpec for TowardsMean {
    fn scope(&self) -> Scope {
        Scope::Class
    }

    fn faults(&self, _: &Planned<'_>) -> Vec<String> {
        let is_wrong = !(0.0..=1.0).contains(&self.pull);
        is_wrong.then(|| format!("towards_mean.pull is from 0 to 1, not {}", self.pull)).into_iter().collect()
    }

    fn untrained(&self) -> Box<dyn MethodSpec> {
        Box::new(self.clone())
    }

    fn build(&self, setup: Setup) -> Result<Box<dyn Method>> {
        let Setup { data, images, learning_rate, .. } = setup;
        let means = images.classes.iter().flat_map(|&class| mean(&data, class)).collect();
        let values = Values::new(learning_rate, [("pull", self.pull)]);
        let velocity = vec![0.0; images.values.len()];
        Ok(Box::new(Toy { spec: self.clone(), means, moved: 0, state: State { step: 0, images, velocity, values } }))
    }
}

fn mean(data: &Dataset, class: u32) -> Vec<f32> {
    let usable = data.usable(class);
    let images = data.gather(data.train(), usable);
    let len = data.shape().len();
    let sum = |at: usize| images.iter().skip(at).step_by(len).sum::<f32>();
    (0..len).map(|at| sum(at) / usable.len() as f32).collect()
}

struct Toy {
    spec: TowardsMean,
    means: Vec<f32>,
    moved: u64,
    state: State,
}

impl Method for Toy {
    fn state(&self) -> &State {
        &self.state
    }

    fn scope(&self) -> Scope {
        self.spec.scope()
    }

    fn keep(&self) -> Result<Blobs> {
        let means = Array::new(&[self.means.len()], self.means.clone());
        Ok(Blobs { counters: [("moved".to_owned(), self.moved)].into(), arrays: [("means".to_owned(), means)].into() })
    }

    fn restore(&mut self, Saved { state, blobs }: Saved) -> Result<()> {
        (self.moved, self.state) = (blobs.counter("moved")?, state);
        self.means.clone_from(&blobs.array("means")?.values);
        Ok(())
    }

    fn step(&mut self, interrupted: &dyn Fn() -> bool) -> Result<StepReport> {
        if interrupted() {
            return Err(Error::Interrupted);
        }
        let State { step, images, values, .. } = &mut self.state;
        let rate = (values.learning_rate() * values.get("pull")) as f32;
        let (len, per_class) = (images.shape.len(), images.per_class);
        let mut squares = 0.0;
        for (at, value) in images.values.iter_mut().enumerate() {
            let gap = *value - self.means[at / (len * per_class) * len + at % len];
            squares += f64::from(gap * gap);
            *value -= rate * gap;
        }
        *step += 1;
        self.moved += 1;
        Ok(StepReport {
            step: *step,
            total: values.get("pull") * squares,
            learning_rate: values.learning_rate(),
            gradient_norm: squares.sqrt(),
            network: None,
            network_accuracy: None,
            cells: Vec::new(),
            terms: vec![values.valued("pull", squares)],
        })
    }

    fn controls(&self) -> Vec<Control> {
        let meaning = "How hard the mean of the class pulls";
        vec![Control::new("pull", meaning, ControlKind::LossWeight, self.spec.pull, self.state.values.get("pull"))]
    }

    fn values_mut(&mut self) -> &mut Values {
        &mut self.state.values
    }

    fn pulls(&mut self) -> Result<Vec<f64>> {
        Ok(vec![1.0])
    }

    fn set_pool(&mut self, _: Vec<Arc<Pretrained>>) -> Result<()> {
        Ok(())
    }

    fn lacks_pool(&self) -> bool {
        false
    }
}

const KNOWN: &[MethodEntry] = &[MethodEntry::of::<TowardsMean>("towards_mean")];

fn config(more: &[&str]) -> Result<RunConfig> {
    let text = "data = \"digits\"\nsteps = 40\n[images]\nper_class = 2\n[towards_mean]\n[evaluation]\nlast = \"quick@1x1\"\n\
                [optimizer]\nlearning_rate = 0.1\n[network]\nkind = \"convnet\"\nwidth = 4\ndepth = 2\n[checkpoint]\nevery = 5\n";
    let more: Vec<String> = more.iter().map(|&setting| setting.to_owned()).collect();
    RunConfig::parse_with(Methods(KNOWN), text, &more, "a test")
}

#[test]
fn a_method_of_its_own_file_is_steered_resumed_and_replayed() {
    let config = config(&[]).unwrap();
    assert_eq!(config.sections["towards_mean"]["pull"].as_float(), Some(0.5), "defaults are written out");
    let (out, again) = (folder(), folder());
    let engine = begin(start(&config, out.path()));
    engine.send(Command::SetPace(Some(200.0)));
    wait_step(&engine, 3);
    engine.send(Command::Set { control: "pull".to_owned(), value: 0.25 });
    let applied = wait_applied(&engine);
    assert_eq!((applied.control.as_str(), applied.old, applied.new), ("pull", 0.5, 0.25));
    engine.send(Command::Stop);
    wait_finished(&engine);
    drop(engine);
    assert!(wait_finished(&begin(Start { resume: true, ..start(&config, out.path()) })).1);
    let script = spiritsafe::store::RunFolder::interventions(out.path()).unwrap();
    assert!(wait_finished(&begin(Start { script, ..start(&config, again.path()) })).1);
    assert_equal_runs(out.path(), again.path());
}

#[test]
fn what_a_section_says_wrong_is_told() {
    let told = config(&["towards_mean.push=1"]).unwrap_err().to_string();
    assert!(told.contains("[towards_mean]") && told.contains("push"), "{told}");
    let engine = begin(start(&config(&["towards_mean.pull=2"]).unwrap(), folder().path()));
    assert!(wait_failed(&engine).0.contains("from 0 to 1"));
    let told = RunConfig::parse("[towards_mean]", &[], "a test").unwrap_err().to_string();
    assert!(told.contains("unknown field `towards_mean`") && told.contains("quantizer"), "{told}");
    assert!(METHODS.iter().all(|entry| entry.section != "towards_mean"));
}
