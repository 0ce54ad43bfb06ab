//! How a run is judged: what by which rules, what is known already, and what comes of it.

use std::{path::PathBuf, sync::Arc};

use super::Run;
use crate::{
    config::RunConfig,
    engine::{
        JudgeAtEnd, Trial,
        jobs::{Jobs, Key},
        known,
        order::{ExpertSlot, Order, Ordered},
    },
    error::{Error, Result},
    evaluate::{self, Family as Rules, Judge, Outcome, Protocol},
    nn::NetworkSpec,
    report::{Evaluation, Skipped, Subject, TestedOn, Verdict, WhySkipped},
    store::{self, Owed},
};

/// What is to be judged when all steps are done.
#[derive(Default)]
pub(in crate::engine) struct Plan {
    pub(in crate::engine) orders: Vec<Order>,
    /// Accuracies of the whole set that other runs have measured.
    pub(in crate::engine) known: Vec<Evaluation>,
    pub(in crate::engine) skipped: Vec<Skipped>,
    /// True if a verdict is due when all of it is judged.
    pub(in crate::engine) has_verdict: bool,
}

impl Run {
    /// True if the config wants the images judged at this step.
    pub(in crate::engine) fn evaluation_is_due(&self) -> bool {
        let every = self.config.evaluation.every;
        every > 0 && self.at() > 0 && self.at().is_multiple_of(every) && !self.is_complete()
    }

    /// The images as they are now are to be judged on the way. Until they were, checkpoints hold them.
    pub(in crate::engine) fn orders_on_the_way(&mut self, jobs: &Jobs) -> Vec<Order> {
        self.owed.push(Owed { step: self.at(), images: self.method.state().images.clone() });
        let orders = self.orders(self.config.evaluation.during, jobs);
        orders.into_iter().map(|order| Order { forecasts: false, ..order }).collect()
    }

    /// What an earlier session was to judge on the way and did not, each with its step.
    pub(in crate::engine) fn orders_owed(&mut self, jobs: &Jobs) -> Vec<(u64, Order)> {
        let (protocol, network) = (self.config.evaluation.during, self.config.network.judge());
        let is_known = |step: u64| self.evaluations.iter().any(|one| is_owed(one, step, protocol));
        let owed: Vec<Owed> = self.owed.iter().filter(|owed| !is_known(owed.step)).cloned().collect();
        let by_that =
            |one: &Evaluation| one.subject == Subject::Synthetic && one.accuracy.protocol == protocol.to_string();
        let was_due = !owed.is_empty() || self.evaluations.iter().any(by_that);
        let lacks_random = was_due && !self.is_judged(Subject::Random, protocol, &network, jobs);
        let order = |subject| Order { forecasts: false, ..self.order(subject, protocol, &network) };
        let made = owed.iter().map(|Owed { step, images }| {
            (*step, Order { images: Ordered::Made(images.clone()), ..order(Subject::Synthetic) })
        });
        let random = lacks_random.then(|| (self.at(), order(Subject::Random)));
        let orders = made.chain(random).collect();
        self.owed = owed;
        orders
    }

    /// Nobody wants them judged any more.
    pub(in crate::engine) fn forgive(&mut self) {
        self.owed.clear();
    }

    /// An order by these rules, as the config says how.
    pub(super) fn order(&self, subject: Subject, protocol: Protocol, network: &NetworkSpec) -> Order {
        let images = &self.method.state().images;
        let images = match subject {
            Subject::Synthetic => Ordered::Made(images.clone()),
            _ => Ordered::Chosen(images.classes.clone(), images.per_class),
        };
        Order {
            data: self.data.clone(),
            device: self.device.clone(),
            seed: self.config.seed,
            augmentation: self.config.augmentation.of(&self.data).to_vec(),
            subject,
            protocol,
            network: network.clone(),
            images,
            expert: ExpertSlot::default(),
            tallies: self.tallies(),
            forecasts: true,
        }
    }

    /// What has to be judged for a protocol: the images, random selection where it was not judged in this run yet.
    pub(in crate::engine) fn orders(&self, protocol: Protocol, jobs: &Jobs) -> Vec<Order> {
        let network = self.config.network.judge();
        if protocol.family == Rules::Whole {
            return vec![self.order(Subject::Whole, protocol, &network)];
        }
        let mut orders = vec![self.order(Subject::Synthetic, protocol, &network)];
        if !self.is_judged(Subject::Random, protocol, &network, jobs) {
            orders.push(self.order(Subject::Random, protocol, &network));
        }
        orders
    }

    /// What has to be judged for a trial, network by network; what is known already is left out.
    /// The whole set has a protocol of its own.
    pub(in crate::engine) fn orders_for_trial(&mut self, trial: &Trial, jobs: &Jobs) -> Result<Vec<Order>> {
        let protocol: Protocol = trial.protocol.parse()?;
        if trial.against.is_empty() && trial.networks.is_empty() {
            return Ok(self.orders(protocol, jobs));
        }
        // Other networks are slow: random images by them are judged where somebody asks.
        let always: &[Subject] =
            if trial.networks.is_empty() { &[Subject::Synthetic, Subject::Random] } else { &[Subject::Synthetic] };
        let mut networks =
            trial.networks.iter().map(|name| self.network_named(name)).collect::<Result<Vec<NetworkSpec>>>()?;
        if networks.is_empty() {
            networks.push(self.config.network.judge());
        }
        let mut orders = Vec::new();
        for network in networks {
            let expert = ExpertSlot::default();
            let subjects = always.iter().chain(&trial.against).copied();
            let mut seen = Vec::new();
            for subject in subjects {
                let rules = if subject == Subject::Whole { self.config.evaluation.whole } else { protocol };
                if seen.contains(&subject) || self.is_judged(subject, rules, &network, jobs) {
                    continue;
                }
                seen.push(subject);
                let known = store::cached_evaluation(&self.whole_fingerprint(rules, &network)).ok().flatten();
                match known.filter(|_| subject == Subject::Whole) {
                    Some(known) => self.record(Evaluation { step: self.at(), ..known })?,
                    None => orders.push(Order { expert: expert.clone(), ..self.order(subject, rules, &network) }),
                }
            }
        }
        Ok(orders)
    }

    /// The network of this name; `convnet` is the run's own, where that is one.
    fn network_named(&self, name: &str) -> Result<NetworkSpec> {
        let network = match (name, self.config.network.judge()) {
            ("convnet", own @ NetworkSpec::ConvNet(_)) => own,
            (name, _) => name.parse()?,
        };
        network.check(self.data.shape()).map_err(Error::Config)?;
        Ok(network)
    }

    /// What has to be judged before a verdict by a protocol can be given, the whole set aside.
    pub(in crate::engine) fn orders_for_verdict(&self, protocol: Protocol, jobs: &Jobs) -> Vec<Order> {
        let network = self.config.network.judge();
        let lacks = |subject: &Subject| !self.is_judged(*subject, protocol, &network, jobs);
        let subjects = [Subject::Synthetic, Subject::Random, Subject::Medoids];
        subjects.into_iter().filter(lacks).map(|subject| self.order(subject, protocol, &network)).collect()
    }

    /// What is judged when all steps are done: the distilled images first, then random selection, medoids, the whole set. It follows
    /// from config, data and caches, never from the speed of the machine.
    pub(in crate::engine) fn plan(&self, judge: JudgeAtEnd, jobs: &Jobs) -> Plan {
        let RunConfig { evaluation, .. } = &self.config;
        let (last, whole) = (evaluation.last, evaluation.whole);
        let network = self.config.network.judge();
        let mut plan = Plan::default();
        let selections = [Subject::Synthetic, Subject::Random, Subject::Medoids];
        let asked: &[Subject] = match judge {
            JudgeAtEnd::Nothing => &[],
            JudgeAtEnd::Images => &selections[..1],
            JudgeAtEnd::Usual | JudgeAtEnd::All => &selections,
        };
        if last.family != Rules::Whole {
            for subject in selections {
                let is_judged = self.is_judged(subject, last, &network, jobs);
                match asked.contains(&subject) {
                    true if !is_judged => plan.orders.push(self.order(subject, last, &network)),
                    false if !is_judged => plan.skip(subject, last, WhySkipped::NotAsked),
                    _ => {}
                }
            }
            plan.has_verdict = asked.len() == selections.len();
        }
        // A run may end with the whole set as its protocol: then it was asked for.
        let of_whole = if last.family == Rules::Whole { vec![last, whole] } else { vec![whole] };
        for (position, &rules) in of_whole.iter().enumerate() {
            if of_whole[..position].contains(&rules) || self.is_judged(Subject::Whole, rules, &network, jobs) {
                continue;
            }
            match (judge, self.known_whole(rules)) {
                (JudgeAtEnd::Nothing | JudgeAtEnd::Images, _) => plan.skip(Subject::Whole, rules, WhySkipped::NotAsked),
                (_, Some(known)) => plan.known.push(known),
                _ => match self.order_for_whole(rules, judge, jobs) {
                    Some(order) => plan.orders.push(order),
                    None => plan.skip(Subject::Whole, rules, WhySkipped::TooLarge),
                },
            }
        }
        plan
    }

    /// The order to judge the whole set, where its accuracy is not known and it is small work, was asked for, or is what the run
    /// ends with.
    pub(in crate::engine) fn order_for_whole(&self, rules: Protocol, judge: JudgeAtEnd, jobs: &Jobs) -> Option<Order> {
        let network = self.config.network.judge();
        let is_known = self.known_whole(rules).is_some() || self.is_judged(Subject::Whole, rules, &network, jobs);
        let is_asked = judge == JudgeAtEnd::All || rules == self.config.evaluation.last;
        let is_due = !is_known && (is_asked || self.whole_is_small(rules));
        is_due.then(|| self.order(Subject::Whole, rules, &network))
    }

    /// True if the whole set is little enough work to be judged unasked.
    fn whole_is_small(&self, protocol: Protocol) -> bool {
        let classes = &self.method.state().images.classes;
        let images: usize = classes.iter().map(|&class| self.data.train().of_class(class).len()).sum();
        protocol.epochs.saturating_mul(images) <= JudgeAtEnd::SMALL_WHOLE
    }

    /// True if the subject was judged by this protocol in this run, or is going to be; images at this step.
    fn is_judged(&self, subject: Subject, protocol: Protocol, network: &NetworkSpec, jobs: &Jobs) -> bool {
        let name = protocol.to_string();
        let fits = |evaluation: &Evaluation| {
            let at_this_step = subject != Subject::Synthetic || evaluation.step == self.at();
            let alike = self.is_by(evaluation, network) && self.is_as_large(evaluation);
            evaluation.subject == subject && evaluation.accuracy.protocol == name && at_this_step && alike
        };
        self.evaluations.iter().any(fits) || jobs.has(&Key::Judge(subject, protocol, network.clone()), self.at())
    }

    /// False for a selection of fewer or more images than there are now: a live change may have come between.
    fn is_as_large(&self, evaluation: &Evaluation) -> bool {
        let images = &self.method.state().images;
        let of_class = |&class: &u32| images.per_class.min(self.data.usable(class).len());
        let wanted = images.classes.iter().map(of_class).sum::<usize>();
        !Subject::SELECTIONS.contains(&evaluation.subject) || evaluation.images == wanted
    }

    /// True if that network was trained. Older files do not say; there it was the run's own.
    fn is_by(&self, evaluation: &Evaluation, network: &NetworkSpec) -> bool {
        match evaluation.network.as_str() {
            "" => *network == self.config.network.judge(),
            name => name == network.describe(),
        }
    }

    /// Which images to use, from what was measured with the run's own network.
    pub(in crate::engine) fn verdict(&self, protocol: Protocol) -> Option<Verdict> {
        let own = self.config.network.judge();
        let counts = |evaluation: &&Evaluation| self.is_by(evaluation, &own) && self.is_as_large(evaluation);
        let mut evaluations: Vec<Evaluation> = self.evaluations.iter().filter(counts).cloned().collect();
        evaluations.extend(self.known_whole(self.config.evaluation.whole));
        evaluate::verdict(&evaluations, self.at(), &protocol.to_string())
    }

    /// The accuracy of the whole training set by this protocol, if it was measured before, on this machine and with the
    /// run's own network.
    pub(in crate::engine) fn known_whole(&self, protocol: Protocol) -> Option<Evaluation> {
        let known =
            store::cached_evaluation(&self.whole_fingerprint(protocol, &self.config.network.judge())).ok()??;
        // Step and count belong to the run that measured it; here the test split was not used.
        Some(Evaluation { step: self.at(), test_uses: self.test_uses, ..known })
    }

    /// Everything that decides the accuracy of the whole training set.
    fn whole_fingerprint(&self, protocol: Protocol, network: &NetworkSpec) -> String {
        let recipe = protocol.recipe(network.judge(), self.config.augmentation.of(&self.data));
        let classes = &self.method.state().images.classes;
        // The protocol stands beside its recipe for its number of networks and its teacher.
        let decides = (self.data.fingerprint(), protocol, recipe, classes, self.config.seed, self.config.holdout);
        known::name("whole set", &decides, &self.device)
    }

    /// Records what an evaluation found; then its tally may go.
    pub(in crate::engine) fn add_evaluation(
        &mut self,
        judge: &Judge,
        step: u64,
        (outcome, key): (Outcome, &str),
        source: Option<PathBuf>,
        secs: f64,
    ) -> Result<Evaluation> {
        let tested_on = judge.tested_on();
        let Outcome { accuracy, values, confusion, called } = outcome;
        let evaluation = Evaluation {
            step,
            subject: judge.subject(),
            source: source.map(|path| path.display().to_string()),
            tested_on,
            accuracy,
            values,
            draws: judge.draws(),
            network: judge.network().describe(),
            confusion,
            called,
            images: judge.images(),
            bytes: judge.stored_bytes(),
            secs,
            test_uses: self.test_uses + u64::from(tested_on == TestedOn::Test),
        };
        self.record(evaluation.clone())?;
        self.test_uses = evaluation.test_uses;
        self.tallies().forget(key);
        self.complete_card(&evaluation)?;
        if judge.subject() == Subject::Whole {
            store::cache_evaluation(&self.whole_fingerprint(judge.protocol(), judge.network()), &evaluation);
        }
        Ok(evaluation)
    }

    /// Brings an evaluation to the disk, then to mind.
    fn record(&mut self, evaluation: Evaluation) -> Result<()> {
        self.folder.add_evaluation(&evaluation)?;
        let protocol = self.config.evaluation.during;
        self.owed.retain(|owed| !is_owed(&evaluation, owed.step, protocol));
        self.evaluations.push(evaluation);
        Ok(())
    }

    fn tallies(&self) -> store::Tallies {
        store::Tallies::of(self.folder.path())
    }

    /// The data and the seed, for work beside the run.
    pub(super) fn data_and_seed(&self) -> (Arc<crate::data::Dataset>, u64) {
        (self.data.clone(), self.config.seed)
    }
}

/// True for the evaluation on the way of the images at a step.
fn is_owed(evaluation: &Evaluation, step: u64, protocol: Protocol) -> bool {
    let is_made = evaluation.subject == Subject::Synthetic && evaluation.step == step;
    is_made && evaluation.accuracy.protocol == protocol.to_string()
}

impl Plan {
    fn skip(&mut self, subject: Subject, protocol: Protocol, why: WhySkipped) {
        self.skipped.push(Skipped { subject, protocol: protocol.to_string(), why });
    }
}
