//! What the window costs: its own time per frame, the time that drawing takes in all, and the memory of the program.
//!
//! A software rasteriser works in threads of its own, which no frame timer sees. Where the system tells the time of every
//! thread, theirs is counted too.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use egui::Context;

use crate::memory;

/// Frames that are remembered for medians.
const KEPT: usize = 600;
/// At most 20 pictures a second.
const SHORTEST: Duration = Duration::from_millis(50);
/// News that arrive together are shown together.
const GATHER: Duration = Duration::from_millis(10);

/// A frame is charged at most so many times what it cost.
const MOST_CHARGED: f64 = 2.0;

/// Lets the engine wake the window, but not more often than drawing may cost.
pub struct Pacer {
    since: Instant,
    next_nanos: AtomicU64,
}

impl Default for Pacer {
    fn default() -> Self {
        Self { since: Instant::now(), next_nanos: AtomicU64::new(0) }
    }
}

impl Pacer {
    /// Something is new: draw soon, and not before the last frame is paid for.
    pub fn wake(&self, ctx: &Context) {
        let now = self.since.elapsed();
        let next = Duration::from_nanos(self.next_nanos.load(Ordering::Relaxed));
        ctx.request_repaint_after(next.saturating_sub(now).max(GATHER));
    }

    /// A frame that costs `secs` of the machine begins; frames may take `share` of it.
    fn begin(&self, secs: f64, share: f64) {
        let rest = Duration::from_secs_f64((secs / share.clamp(0.01, 1.0)).clamp(0.0, 5.0));
        let next = self.since.elapsed() + rest.max(SHORTEST);
        self.next_nanos.store(next.as_nanos() as u64, Ordering::Relaxed);
    }
}

/// The figures.
pub struct Vitals {
    own: VecDeque<f64>,
    begun: Instant,
    /// What the last frame is charged, in seconds of the whole machine: what it cost, and more while drawing takes more than
    /// its share.
    pub cost: Option<f64>,
    /// Share of the machine that drawing took lately.
    pub share: Option<f64>,
    /// Bytes in memory.
    pub memory: Option<u64>,
    meter: CpuMeter,
    looked: Option<Instant>,
}

impl Default for Vitals {
    fn default() -> Self {
        Self {
            own: VecDeque::with_capacity(KEPT),
            begun: Instant::now(),
            cost: None,
            share: None,
            memory: None,
            meter: CpuMeter::default(),
            looked: None,
        }
    }
}

impl Vitals {
    /// A frame begins. `painted_secs` is what the frame before took on this thread, where no better figure is known.
    pub fn begin(&mut self, painted_secs: Option<f32>, share: f64, pacer: &Pacer) {
        let between = self.begun.elapsed().as_secs_f64();
        self.begun = Instant::now();
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let spent = self.meter.spent().or(painted_secs.map(f64::from)).map(|secs| secs / cores);
        if let Some(spent) = spent.filter(|_| painted_secs.is_some()) {
            let now = (spent / between.max(1e-3)).min(1.0);
            // Mean over the last three seconds or so.
            let weight = 1.0 - (-between / 3.0).exp();
            let mean = self.share.map_or(now, |mean| mean + weight * (now - mean));
            self.share = Some(mean);
            self.cost = Some(spent * (mean / share.max(0.01)).clamp(1.0, MOST_CHARGED));
        }
        pacer.begin(self.cost.unwrap_or(0.0), share);
        if self.looked.is_none_or(|looked| looked.elapsed() > Duration::from_secs(1)) {
            self.looked = Some(Instant::now());
            self.memory = memory::resident_bytes();
        }
    }

    /// All that the window itself does for a frame is done.
    pub fn end(&mut self) {
        if self.own.len() == KEPT {
            self.own.pop_front();
        }
        self.own.push_back(self.begun.elapsed().as_secs_f64());
    }

    /// Median and 99th percentile of the window's own time per frame.
    pub fn own_times(&self) -> Option<(f64, f64)> {
        let mut times: Vec<f64> = self.own.iter().copied().collect();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times.get(((times.len() as f64 - 1.0) * share).round() as usize).copied();
        Some((at(0.5)?, at(0.99)?))
    }
}

/// Processor time of this thread and of the rasteriser's threads.
#[derive(Default)]
struct CpuMeter {
    threads: Vec<std::path::PathBuf>,
    looked: Option<Instant>,
    before: Option<u64>,
}

impl CpuMeter {
    /// Seconds of processor time since the last call; none where the system does not tell.
    fn spent(&mut self) -> Option<f64> {
        if self.looked.is_none_or(|looked| looked.elapsed() > Duration::from_secs(5)) {
            self.looked = Some(Instant::now());
            let threads = drawing_threads();
            if threads.len() != self.threads.len() {
                self.threads = threads;
                self.before = None;
            }
        }
        if self.threads.is_empty() {
            return None;
        }
        let nanos = |path: &std::path::PathBuf| -> Option<u64> {
            std::fs::read_to_string(path).ok()?.split_whitespace().next()?.parse().ok()
        };
        let now: u64 = self.threads.iter().filter_map(nanos).sum();
        let before = self.before.replace(now)?;
        Some(now.saturating_sub(before) as f64 * 1e-9)
    }
}

/// The files in which Linux counts the time of this thread and of Mesa's software rasteriser.
fn drawing_threads() -> Vec<std::path::PathBuf> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let raster = tasks
        .flatten()
        .map(|task| task.path())
        .filter(|task| std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name.starts_with("llvmpipe")));
    let own = std::path::PathBuf::from("/proc/thread-self/schedstat");
    std::iter::once(own).filter(|path| path.exists()).chain(raster.map(|task| task.join("schedstat"))).collect()
}
