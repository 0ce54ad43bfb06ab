//! What the window itself takes: time, and the memory of the whole program.

use std::{
    collections::VecDeque,
    fs,
    time::{Duration, Instant},
};

/// Frames that are remembered.
const REMEMBERED: usize = 240;
/// Memory and share are looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Measured as the window draws.
#[derive(Default)]
pub struct Vitals {
    /// Memory of the whole program in bytes, where the system tells.
    pub memory: Option<u64>,
    /// Share of the machine that drawing took lately.
    pub share: Option<f64>,
    own: VecDeque<f64>,
    drawn: f64,
    looked: Option<Instant>,
    rasterised: f64,
}

impl Vitals {
    /// A frame was drawn in `own_secs`; returns what it cost in all, a software rasteriser included.
    pub fn frame(&mut self, own_secs: f64) -> f64 {
        if self.own.len() == REMEMBERED {
            self.own.pop_front();
        }
        self.own.push_back(own_secs);
        let rasterised = rasteriser_secs();
        let cost = own_secs + (rasterised - self.rasterised).max(0.0);
        self.rasterised = rasterised;
        self.drawn += cost;
        self.look();
        cost
    }

    /// Median and 99th percentile of the window's own work a frame, without the rasteriser, in seconds.
    pub fn own_times(&self) -> Option<(f64, f64)> {
        let mut sorted: Vec<f64> = self.own.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted.get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1)));
        Some((*at(0.5)?, *at(0.99)?))
    }

    fn look(&mut self) {
        let now = Instant::now();
        let Some(looked) = self.looked else {
            self.looked = Some(now);
            self.memory = resident_bytes();
            return;
        };
        let passed = now.duration_since(looked);
        if passed >= LOOK_EVERY {
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            self.share = Some((self.drawn / passed.as_secs_f64() / cores as f64).min(1.0));
            self.memory = resident_bytes();
            self.drawn = 0.0;
            self.looked = Some(now);
        }
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// Processor time of Mesa's software rasteriser so far; it works on threads of its own, which only the system can see.
fn rasteriser_secs() -> f64 {
    /// Linux reports thread times in hundredths of a second.
    const TICKS: f64 = 100.0;
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return 0.0 };
    let ticks = |stat: &str| -> Option<f64> {
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let mut fields = rest.split_whitespace().skip(11);
        let times: [f64; 2] = [fields.next()?.parse().ok()?, fields.next()?.parse().ok()?];
        name.starts_with("llvmpipe").then_some(times[0] + times[1])
    };
    let stats = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
    stats.filter_map(|stat| ticks(&stat)).sum::<f64>() / TICKS
}
