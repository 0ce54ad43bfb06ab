//! How a run is judged: what by which rules, what is known already, and what comes of it.

use std::{path::Path, time::Duration};

use super::Run;
use crate::{
    data::DataSpec,
    engine::{Trial, jobs::Jobs, known},
    error::{Error, Result},
    evaluate::{self, Family as Rules, How, Judge, Outcome, Protocol, SharedExpert},
    nn::NetworkSpec,
    report::{Distances, Evaluation, Fused, OnMap, Subject, TestedOn, Verdict},
    store::{self, RunFolder},
};

impl Run {
    /// True if the config wants the images judged at this step.
    pub(in crate::engine) fn evaluation_is_due(&self) -> bool {
        let every = self.config.evaluation.every;
        every > 0 && self.at() > 0 && self.at().is_multiple_of(every) && !self.is_complete()
    }

    pub(super) fn how<'a>(&'a self, protocol: Protocol, network: &'a NetworkSpec) -> How<'a> {
        let augmentation = self.config.augmentation.of(&self.data);
        How { protocol, network, augmentation, device: &self.device, seed: self.config.seed }
    }

    /// What has to be judged for a protocol: the images, random selection where it was not judged in this run yet.
    pub(in crate::engine) fn judges(&self, protocol: Protocol, jobs: &Jobs) -> Result<Vec<Judge>> {
        let network = self.config.network.judge();
        if protocol.family == Rules::Whole {
            return Ok(vec![self.judge(Subject::Whole, protocol, &network)?]);
        }
        let mut judges = vec![self.judge(Subject::Synthetic, protocol, &network)?];
        if !self.is_judged(Subject::Random, protocol, &network, jobs)? {
            judges.push(self.judge(Subject::Random, protocol, &network)?);
        }
        Ok(judges)
    }

    /// What has to be judged for a trial, network by network; what is known already is left out.
    /// The whole set has a protocol of its own.
    pub(in crate::engine) fn judges_for_trial(&mut self, trial: &Trial, jobs: &Jobs) -> Result<Vec<Judge>> {
        let protocol: Protocol = trial.protocol.parse()?;
        if trial.against.is_empty() && trial.networks.is_empty() {
            return self.judges(protocol, jobs);
        }
        // Other networks are slow: random images by them are judged where somebody asks.
        let always: &[Subject] =
            if trial.networks.is_empty() { &[Subject::Synthetic, Subject::Random] } else { &[Subject::Synthetic] };
        let mut networks =
            trial.networks.iter().map(|name| self.network_named(name)).collect::<Result<Vec<NetworkSpec>>>()?;
        if networks.is_empty() {
            networks.push(self.config.network.judge());
        }
        let mut judges = Vec::new();
        for network in networks {
            let mut expert: Option<SharedExpert> = None;
            let subjects = always.iter().chain(&trial.against).copied();
            let mut seen = Vec::new();
            for subject in subjects {
                let rules = if subject == Subject::Whole { self.config.evaluation.whole } else { protocol };
                if seen.contains(&subject) || self.is_judged(subject, rules, &network, jobs)? {
                    continue;
                }
                seen.push(subject);
                let known = store::cached_evaluation(&self.whole_fingerprint(rules, &network));
                match known.filter(|_| subject == Subject::Whole) {
                    Some(known) => self.folder.add_evaluation(&Evaluation { step: self.at(), ..known })?,
                    None => judges.push(self.judge(subject, rules, &network)?.sharing(&mut expert)),
                }
            }
        }
        Ok(judges)
    }

    /// The network of this name; `convnet` is the run's own, where that is one.
    fn network_named(&self, name: &str) -> Result<NetworkSpec> {
        let network = match (name, self.config.network.judge()) {
            ("convnet", own @ NetworkSpec::ConvNet(_)) => own,
            (name, _) => name.parse()?,
        };
        network.check(self.data.shape()).map_err(crate::error::Error::Config)?;
        Ok(network)
    }

    fn judge(&self, subject: Subject, protocol: Protocol, network: &NetworkSpec) -> Result<Judge> {
        let images = &self.method.state().images;
        let how = self.how(protocol, network);
        match subject {
            Subject::Synthetic => Judge::synthetic(&self.data, images, how),
            other => Judge::selection(&self.data, other, (&images.classes, images.per_class), how),
        }
    }

    /// What has to be judged before a verdict by a protocol can be given, the whole set aside.
    pub(in crate::engine) fn judges_for_verdict(&self, protocol: Protocol, jobs: &Jobs) -> Result<Vec<Judge>> {
        let network = self.config.network.judge();
        let mut judges = Vec::new();
        if !self.is_judged(Subject::Synthetic, protocol, &network, jobs)? {
            judges.extend(self.judges(protocol, jobs)?);
        }
        if !self.is_judged(Subject::Medoids, protocol, &network, jobs)? {
            judges.push(self.judge(Subject::Medoids, protocol, &network)?);
        }
        Ok(judges)
    }

    /// True if the subject was judged by this protocol in this run, or is going to be; images at this step.
    fn is_judged(&self, subject: Subject, protocol: Protocol, network: &NetworkSpec, jobs: &Jobs) -> Result<bool> {
        let name = protocol.to_string();
        let fits = |evaluation: &Evaluation| {
            let at_this_step = subject != Subject::Synthetic || evaluation.step == self.at();
            let alike = self.is_by(evaluation, network) && self.is_as_large(evaluation);
            evaluation.subject == subject && evaluation.accuracy.protocol == name && at_this_step && alike
        };
        let known = RunFolder::evaluations(self.folder.path())?.iter().any(fits);
        Ok(known || jobs.has(subject, protocol, network))
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

    /// What an energy map leaves, judged on the map; written into the folder too.
    pub(in crate::engine) fn judge_on_map(&self) -> Result<OnMap> {
        let judged = match self.method.energy() {
            Some(map) => evaluate::on_map(map, &self.data, self.config.seed)?,
            None => {
                return Err(Error::Config("this run has no energy map: start one with --preset pemdd-cpu".to_owned()));
            }
        };
        let judged = judged.ok_or_else(|| Error::Config("the network of the map is not trained yet".to_owned()))?;
        store::write_on_map(self.folder.path(), &judged)?;
        Ok(judged)
    }

    /// How far the points and images of a quantizer are from their classes, through the first network of the pool; written into the folder
    /// too.
    pub(in crate::engine) fn distances(&mut self) -> Result<Distances> {
        let fault = || Error::Config("this run has no quantizer: start one with --preset ddoq-digits".to_owned());
        self.method.quantizer().ok_or_else(fault)?;
        while self.pretraining.lens().is_none() {
            self.pretraining.advance(Duration::ZERO)?;
        }
        let lens = self.pretraining.lens().expect("just trained");
        let quantizer = self.method.quantizer().ok_or_else(fault)?;
        let measured = evaluate::distances(quantizer, lens, &self.data, &self.device)?;
        store::write_distances(self.folder.path(), &measured)?;
        Ok(measured)
    }

    /// Joins what an energy map has left with new data, and writes report and second map.
    pub(in crate::engine) fn fuse(&self, data: &DataSpec, folder: &Path) -> Result<Fused> {
        let Some(map) = self.method.energy() else {
            return Err(Error::Config("this run has no energy map: start one with --preset pemdd-cpu".to_owned()));
        };
        let new = data.load(self.config.seed)?;
        let (fused, second) = evaluate::fuse(map, &self.data, &new, self.config.seed)?;
        store::write_fused(folder, &fused, &second)?;
        Ok(fused)
    }

    /// Which images to use, from what was measured with the run's own network.
    pub(in crate::engine) fn verdict(&self, protocol: Protocol) -> Result<Option<Verdict>> {
        let mut evaluations = RunFolder::evaluations(self.folder.path())?;
        let own = self.config.network.judge();
        evaluations.retain(|evaluation| self.is_by(evaluation, &own) && self.is_as_large(evaluation));
        evaluations.extend(self.known_whole(self.config.evaluation.whole));
        Ok(evaluate::verdict(&evaluations, self.at(), &protocol.to_string()))
    }

    /// The accuracy of the whole training set by this protocol, if it was measured before, on this machine and with the
    /// run's own network.
    pub(in crate::engine) fn known_whole(&self, protocol: Protocol) -> Option<Evaluation> {
        let known = store::cached_evaluation(&self.whole_fingerprint(protocol, &self.config.network.judge()))?;
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

    /// Records what an evaluation found.
    pub(in crate::engine) fn add_evaluation(
        &mut self,
        judge: &Judge,
        step: u64,
        outcome: Outcome,
        secs: f64,
    ) -> Result<Evaluation> {
        let tested_on = judge.tested_on();
        if tested_on == TestedOn::Test {
            self.test_uses += 1;
        }
        let Outcome { accuracy, values, confusion, called } = outcome;
        let evaluation = Evaluation {
            step,
            subject: judge.subject(),
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
            test_uses: self.test_uses,
        };
        self.folder.add_evaluation(&evaluation)?;
        self.complete_card(&evaluation)?;
        if judge.subject() == Subject::Whole {
            store::cache_evaluation(&self.whole_fingerprint(judge.protocol(), judge.network()), &evaluation);
        }
        Ok(evaluation)
    }
}
