//! What is trained on the real images beside a run, and how it comes to the method.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{IDLE_SLICE, Worker};
use crate::{
    engine::{Event, task::Progress},
    error::Result,
    methods::Pretrained,
};

/// Progress of a training is told this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

impl Worker {
    /// Works on the networks that something waits for, as long as on the run.
    pub(super) fn pretrain(&mut self, budget: Duration) -> Result<()> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let for_the_eyes = self.viewer.wants_lens(run);
        let for_analyses = self.awaiting.iter().any(|(_, analysis)| !run.can_analyse(analysis));
        // A turn that a command has cut short is heard to its end even where nobody needs it any more: steps wait for that.
        let is_needed = run.awaits_training() || run.has_untaken() || for_the_eyes || for_analyses;
        if !is_needed && !run.pretraining.is_at_work() {
            return Ok(());
        }
        let budget = if run.lacks_training() { IDLE_SLICE } else { budget.min(IDLE_SLICE) };
        let (had_latent, had_pool) = (run.pretraining.latent().is_some(), run.pretraining.pool().is_some());
        let had_probe = run.pretraining.probe().is_some();
        let progress = run.pretraining.advance(budget, &self.inbox)?;
        run.take_notes().into_iter().for_each(|note| self.backstage.tell(Event::Warning(note)));
        let latent = run.pretraining.latent().filter(|_| !had_latent);
        let probe = run.pretraining.probe().filter(|_| !had_probe && !run.awaits_training());
        let trained = match (latent, run.pretraining.pool().filter(|_| !had_pool), probe) {
            (Some(latent), ..) => Some(format!("an autoencoder with {} dimensions and its prior", latent.dimensions())),
            (_, Some(pool), _) => Some(describe_pool(pool)),
            (.., Some(probe)) => Some(describe_pool(std::slice::from_ref(probe))),
            _ => None,
        };
        let has_come = trained.is_some();
        if let Some(what) = trained {
            self.backstage.tell(Event::Pretrained { what });
            self.viewer.press();
        }
        if run.has_untaken() {
            let before = run.shape();
            let Some(taken) = run.take_trained(budget, &self.inbox)? else { return Ok(()) };
            taken.into_iter().for_each(|applied| self.backstage.tell(Event::Applied(applied)));
            run.take_notes().into_iter().for_each(|note| self.backstage.tell(Event::Warning(note)));
            self.tell_shape(before);
            self.viewer.press();
        } else if let Some(Progress { what, done, secs_left }) = progress
            && is_needed
            && !has_come // What comes behind it is not waited for.
            && self.told.is_none_or(|told| told.elapsed() >= PROGRESS_EVERY)
        {
            self.told = Some(Instant::now());
            let (what, secs_left) = (what.unwrap_or_default(), secs_left.unwrap_or(f64::INFINITY));
            self.backstage.tell(Event::Pretraining { what, done, secs_left });
        }
        Ok(())
    }
}

/// The networks of a pool in words, with their mean accuracy on the hold-out, where there is one.
fn describe_pool(pool: &[Arc<Pretrained>]) -> String {
    let accuracies: Vec<f64> = pool.iter().filter_map(|pretrained| pretrained.accuracy).collect();
    let accuracy = 100.0 * accuracies.iter().sum::<f64>() / accuracies.len() as f64;
    let right = if accuracies.is_empty() { String::new() } else { format!(", {accuracy:.1} % right on the hold-out") };
    let networks = if pool.len() == 1 { "a network".to_owned() } else { format!("{} networks", pool.len()) };
    format!("{networks}: {}{right}", pool[0].name)
}
