//! How what is trained on the real images comes to the method of a run.

use std::time::Duration;

use super::Run;
use crate::{
    engine::{
        inbox::Inbox,
        task::{Task, Turn},
    },
    error::{Error, Result},
    methods::Method,
    report::Intervention,
    store::RunRecord,
};

/// A copy of the method on its way to what was trained.
pub(super) struct Entering {
    task: Task<Box<dyn Method>>,
    /// True if the pool is among it; networks that are ready later are brought later.
    with_pool: bool,
}

impl Run {
    /// True if the next step cannot be made before networks, or a latent space, are trained.
    pub(in crate::engine) fn lacks_training(&self) -> bool {
        self.method.lacks_pool() || self.method.lacks_latent()
    }

    /// True if something waits for what is being trained.
    pub(in crate::engine) fn awaits_training(&self) -> bool {
        !self.pretraining.has_failed() && (self.lacks_training() || !self.awaiting.is_empty())
    }

    /// True if something is trained that the method has not got yet.
    pub(in crate::engine) fn has_untaken(&self) -> bool {
        let lacks_latent = self.method.lacks_latent() && self.pretraining.latent().is_some();
        let lacks_pool = !self.pool_is_taken && self.pretraining.pool().is_some();
        (lacks_latent || lacks_pool) && !self.pretraining.has_failed()
    }

    /// True while a turn goes on that a command has cut short for the worker.
    pub(in crate::engine) fn is_at_work(&self) -> bool {
        self.pretraining.is_at_work() || self.entering.as_ref().is_some_and(|entering| entering.task.is_at_work())
    }

    /// Takes what is trained, in turns where that takes long; what waited for it is recorded then, and counts from the next step on.
    /// None while it goes on.
    pub(in crate::engine) fn take_trained(
        &mut self,
        budget: Duration,
        inbox: &Inbox,
    ) -> Result<Option<Vec<Intervention>>> {
        let brings_latent = self.method.lacks_latent() && self.pretraining.latent().is_some();
        let waits_for_pool = self.method.lacks_pool() || !self.awaiting.is_empty();
        let brings_pool = !self.pool_is_taken && waits_for_pool && self.pretraining.pool().is_some();
        let held = if brings_latent || brings_pool { self.hold_to_networks() } else { Ok(()) };
        match held.and_then(|()| self.bring(budget, inbox)) {
            Ok(false) => return Ok(None),
            Ok(true) => {}
            Err(error) => {
                self.pretraining.give_up();
                return Err(error);
            }
        }
        self.take_first_images();
        if !self.pool_is_taken {
            return Ok(Some(Vec::new()));
        }
        let awaiting = std::mem::take(&mut self.awaiting);
        awaiting.into_iter().map(|(control, value)| self.set(&control, value, true)).collect::<Result<_>>().map(Some)
    }

    /// Brings latent space and pool to the method; true once it has them.
    fn bring(&mut self, budget: Duration, inbox: &Inbox) -> Result<bool> {
        let entering = match self.entering.take() {
            Some(entering) => Some(entering),
            None => self.enter()?,
        };
        let Some(Entering { mut task, with_pool }) = entering else { return Ok(true) };
        match task.advance(budget, inbox) {
            Turn::Working(_) => {
                self.entering = Some(Entering { task, with_pool });
                Ok(false)
            }
            Turn::Done(method) => {
                let mut method = method?;
                method.values_mut().clone_from(&self.method.state().values);
                self.method = method;
                self.pool_is_taken |= with_pool;
                Ok(true)
            }
        }
    }

    /// Begins to bring what is trained by now to the method; none where that was done in a moment.
    fn enter(&mut self) -> Result<Option<Entering>> {
        let latent = self.pretraining.latent().filter(|_| self.method.lacks_latent()).cloned();
        let pool = self.pretraining.pool().filter(|_| !self.pool_is_taken).map(<[_]>::to_vec);
        let with_pool = pool.is_some();
        let bring = move |method: &mut dyn Method| -> Result<()> {
            latent.map_or(Ok(()), |latent| method.set_latent(latent))?;
            pool.map_or(Ok(()), |pool| method.set_pool(pool))
        };
        let Some(mut apart) = self.method.apart() else {
            bring(self.method.as_mut())?;
            self.pool_is_taken |= with_pool;
            return Ok(None);
        };
        let task = Task::new(move |_| {
            bring(apart.as_mut())?;
            Ok(apart)
        })?;
        Ok(Some(Entering { task, with_pool }))
    }

    /// Records the trained networks through which the run looks, where they are not known yet. A run that goes on, or is
    /// replayed, looks through the same ones.
    pub(super) fn hold_to_networks(&mut self) -> Result<()> {
        let step = self.at();
        let Self { record: RunRecord { networks, .. }, notes, allow, pretraining, .. } = self;
        let before = networks.clone();
        for (name, sum) in pretraining.sums() {
            let Some(known) = networks.insert(name.clone(), sum.clone()).filter(|known| known != sum) else { continue };
            let told = format!(
                "the {name} is not the one that the run began with (SHA-256 {} instead of {})",
                &sum[..12],
                known.get(..12).unwrap_or(&known)
            );
            if !allow.other_networks {
                *networks = before;
                return Err(Error::Data(format!(
                    "{told}: it was trained anew on another machine or by another program, or the cache was changed. Put the \
                     cache back, or go on through the other one with --other-networks"
                )));
            }
            notes.push(format!("{told}: from here on its numbers differ from those of an undisturbed run"));
            networks.insert(format!("{name}, up to step {step}"), known);
        }
        if *networks == before { Ok(()) } else { self.folder.set_record(&self.record) }
    }
}
