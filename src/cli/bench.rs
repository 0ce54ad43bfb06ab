//! `bench`: how fast this machine does what a run does.

use clap::Args;
use serde_json::{Value, json};

use crate::{
    benchmark::{Bench, SIZES, Size, Work, matrix_product},
    error::{Error, Result},
    memory,
    nn::kernels,
};

/// What to time.
#[derive(Args)]
pub(super) struct BenchArgs {
    /// cifar (width 128, 32x32x3, 256 real images a class), mnist (width 32, 28x28x1, 64), digits or
    /// resnet18 (ResNet18, 32x32x3, 32)
    #[arg(long, value_name = "NAME", default_value = SIZES[0].name)]
    size: String,
    /// How often each work is done; the median counts
    #[arg(long, value_name = "N", default_value_t = 7)]
    repeats: usize,
    /// Threads; all cores where nothing is said
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Time these works only, without the matrix product, for example dm_step,forward
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    only: Vec<String>,
    /// Print one object
    #[arg(long)]
    json: bool,
}

/// Seconds of a work.
struct Timing {
    work: Work,
    median: f64,
    least: f64,
    most: f64,
}

impl BenchArgs {
    pub(super) fn run(&self) -> Result<()> {
        let size = Size::named(&self.size)?;
        let works: Vec<Work> = match self.only.as_slice() {
            [] => Work::ALL.to_vec(),
            names => names.iter().map(|name| work(name)).collect::<Result<_>>()?,
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads.unwrap_or(0)).build();
        let pool = pool.map_err(|error| Error::Device(format!("no threads: {error}")))?;
        pool.install(|| {
            // Its three matrices would count as memory of a work that is looked at alone.
            let products = if self.only.is_empty() { self.repeats.max(1) } else { 0 };
            let matmul = (0..products).map(|_| matrix_product()).collect::<Result<Vec<f64>>>()?;
            let matmul = matmul.into_iter().reduce(f64::max);
            let timings = works.iter().map(|&work| self.time(work, &size)).collect::<Result<Vec<_>>>()?;
            if self.json {
                print_object(&size, &timings, matmul);
            } else {
                print_table(&size, &timings, matmul);
            }
            Ok(())
        })
    }

    fn time(&self, work: Work, size: &Size) -> Result<Timing> {
        let mut bench = Bench::new(work, size)?;
        bench.run()?; // The first one warms up.
        let mut secs = (0..self.repeats.max(1)).map(|_| bench.run()).collect::<Result<Vec<f64>>>()?;
        secs.sort_unstable_by(f64::total_cmp);
        Ok(Timing { work, median: secs[secs.len() / 2], least: secs[0], most: secs[secs.len() - 1] })
    }
}

fn work(name: &str) -> Result<Work> {
    Work::ALL.into_iter().find(|work| work.name() == name).ok_or_else(|| {
        let names: Vec<_> = Work::ALL.iter().map(|work| work.name()).collect();
        Error::Config(format!("there is no work \"{name}\". Use some of: {}", names.join(", ")))
    })
}

fn print_table(size: &Size, timings: &[Timing], matmul: Option<f64>) {
    println!(
        "{}: {}, {:?}, {} real and {} synthetic images in each of 10 classes; {} threads, {}",
        size.name,
        size.network().describe(),
        size.shape.dims(),
        size.real,
        size.synthetic,
        rayon::current_num_threads(),
        kernels::instruction_set()
    );
    println!("{:<18}{:>8}{:>12}{:>24}{:>12}", "work", "images", "median", "least - most", "GFLOP/s");
    for Timing { work, median, least, most } in timings {
        let rate = work.giga_operations(size).map_or_else(String::new, |giga| format!("{:.0}", giga / median));
        let (median, range) = (format!("{:.2} ms", median * 1e3), format!("{:.2} - {:.2} ms", least * 1e3, most * 1e3));
        println!("{:<18}{:>8}{median:>12}{range:>24}{rate:>12}", work.name(), work.images(size));
    }
    if let Some(matmul) = matmul {
        println!("best product of 2048 x 2048 matrices: {matmul:.0} GFLOP/s");
    }
    if let Some(bytes) = memory::peak_bytes() {
        println!("peak memory: {:.0} MB", bytes as f64 / 1e6);
    }
}

/// Seconds under the name of each work, spreads and rates under `details`.
fn print_object(size: &Size, timings: &[Timing], matmul: Option<f64>) {
    let mut object = json!({
        "size": size.name,
        "threads": rayon::current_num_threads(),
        "instruction_set": kernels::instruction_set(),
        "matmul_gflops": matmul,
        "peak_rss_bytes": memory::peak_bytes(),
        "details": {},
    });
    for Timing { work, median, least, most } in timings {
        object[work.name()] = Value::from(*median);
        object["details"][work.name()] = json!({
            "images": work.images(size),
            "least": least,
            "most": most,
            "gflops": work.giga_operations(size).map(|giga| giga / median),
        });
    }
    println!("{object}");
}
