//! The fused blocks at the sizes that matter, side by side with PyTorch if asked for. From the repository's root:
//!
//! ```sh
//! cargo bench --no-default-features --bench step -- --peer "python3 benches/peers/torch_blocks.py"
//! ```
//! runs both in turn, work by work, and prints the ratios. Without `--peer`, only ours. `--threads 2` and `--repeats 7`
//! are the defaults; `--only name` picks works whose name contains it, `--isa avx2` pins the instruction set. Every work
//! is warmed up once.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use candle_core::{Device, Result, Tensor, Var};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spiritsafe::nn::kernels::{Blocks, conv_blocks, instruction_set, pin_instruction_set};

/// What is asked of the blocks.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Forward,
    ImageGradient,
    AllGradients,
}

struct Work {
    name: &'static str,
    blocks: Blocks,
    images: usize,
    mode: Mode,
}

const fn square(channels: usize, side: usize, filters: usize, depth: usize, first_padding: usize) -> Blocks {
    Blocks { channels, height: side, width: side, filters, depth, first_padding }
}

const CIFAR: Blocks = square(3, 32, 128, 3, 1);
const MNIST: Blocks = square(1, 28, 32, 3, 3);
const DIGITS: Blocks = square(1, 8, 32, 2, 1);

const WORKS: &[Work] = &[
    Work { name: "forward", blocks: CIFAR, images: 256, mode: Mode::Forward },
    Work { name: "image-gradient", blocks: CIFAR, images: 100, mode: Mode::ImageGradient },
    Work { name: "all-gradients", blocks: CIFAR, images: 256, mode: Mode::AllGradients },
    Work { name: "image-gradient-10", blocks: CIFAR, images: 10, mode: Mode::ImageGradient },
    Work { name: "mnist-forward", blocks: MNIST, images: 64, mode: Mode::Forward },
    Work { name: "mnist-image-gradient", blocks: MNIST, images: 10, mode: Mode::ImageGradient },
    Work { name: "digits-forward", blocks: DIGITS, images: 1150, mode: Mode::Forward },
    Work { name: "digits-image-gradient", blocks: DIGITS, images: 100, mode: Mode::ImageGradient },
    // The same, class by class: what a small call costs.
    Work { name: "digits-class-forward", blocks: DIGITS, images: 115, mode: Mode::Forward },
    Work { name: "digits-class-image", blocks: DIGITS, images: 10, mode: Mode::ImageGradient },
];

/// Runs a work once and returns its seconds.
fn run(work: &Work, images: &Var, parameters: &Var) -> Result<f64> {
    let tracked = |var: &Var, track: bool| if track { var.as_tensor().clone() } else { var.as_detached_tensor() };
    let images = tracked(images, work.mode != Mode::Forward);
    let parameters = tracked(parameters, work.mode == Mode::AllGradients);
    let start = Instant::now();
    let result = conv_blocks(&work.blocks, &images, &parameters, work.mode != Mode::AllGradients)?;
    if work.mode != Mode::Forward {
        result.sum_all()?.backward()?;
    }
    Ok(start.elapsed().as_secs_f64())
}

fn inputs(work: &Work) -> Result<(Var, Var)> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut draw =
        |len: usize, scale: f32| -> Vec<f32> { (0..len).map(|_| scale * random.random_range(-1.0_f32..1.0)).collect() };
    let Blocks { channels, height, width, .. } = work.blocks;
    let images = draw(work.images * channels * height * width, 1.0);
    let parameters = draw(work.blocks.parameter_count(), 0.1);
    let images = Tensor::from_vec(images, (work.images, channels, height, width), &Device::Cpu)?;
    let parameters = Tensor::from_vec(parameters, work.blocks.parameter_count(), &Device::Cpu)?;
    Ok((Var::from_tensor(&images)?, Var::from_tensor(&parameters)?))
}

/// The other side: one line in, one line of seconds out, so that both take turns on the same machine.
struct Peer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Peer {
    fn spawn(command: &str, threads: usize) -> std::io::Result<Self> {
        let mut words = command.split_whitespace();
        let mut child = Command::new(words.next().unwrap_or("python3"))
            .args(words)
            .env("OMP_NUM_THREADS", threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (to, from) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        Ok(Self { child, to, from: BufReader::new(from) })
    }

    fn ask(&mut self, question: &str) -> std::io::Result<f64> {
        writeln!(self.to, "{question}")?;
        self.to.flush()?;
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        line.trim().parse().map_err(|_| std::io::Error::other(format!("the peer answered {line:?}")))
    }

    fn run(&mut self, work: &Work, layout: &str) -> std::io::Result<f64> {
        let Blocks { channels, height, filters, depth, first_padding, .. } = work.blocks;
        let mode = match work.mode {
            Mode::Forward => "forward",
            Mode::ImageGradient => "image",
            Mode::AllGradients => "all",
        };
        let images = work.images;
        self.ask(&format!("{mode} {layout} {images} {channels} {height} {filters} {depth} {first_padding}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Nothing to do about a peer that is already gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Spread {
    low: f64,
    median: f64,
    high: f64,
}

fn spread(mut values: Vec<f64>) -> Spread {
    values.sort_by(f64::total_cmp);
    Spread { low: values[0], median: values[values.len() / 2], high: values[values.len() - 1] }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Self { low, median, high } = self;
        write!(f, "{:8.2} ({:.2} - {:.2}) ms", median * 1e3, low * 1e3, high * 1e3)
    }
}

/// Best product of two 2048x2048 matrices, in GFLOP/s.
fn best_product(repeats: usize) -> Result<f64> {
    let (matrix, _) = inputs(&Work { name: "", blocks: square(1, 2048, 1, 1, 1), images: 1, mode: Mode::Forward })?;
    let matrix = matrix.reshape((2048, 2048))?;
    let mut best = f64::INFINITY;
    for _ in 0..repeats {
        let start = Instant::now();
        matrix.matmul(&matrix)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(2.0 * 2048_f64.powi(3) / best / 1e9)
}

fn option<T: std::str::FromStr>(name: &str) -> Option<T> {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1)?.parse().ok()
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (threads, repeats) = (option("--threads").unwrap_or(2), option("--repeats").unwrap_or(7));
    let only: String = option("--only").unwrap_or_default();
    if let Some(isa) = option::<String>("--isa") {
        pin_instruction_set(&isa)?;
    }
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let mut peer = option::<String>("--peer").map(|command| Peer::spawn(&command, threads)).transpose()?;
    println!("{} with {threads} threads, median (least - most) of {repeats}", instruction_set());
    let mut matmul = f64::NAN;
    if only.is_empty() {
        matmul = best_product(repeats)?;
        println!("2048-cubed product of the crate gemm: {matmul:.0} GFLOP/s");
    }
    if let (Some(peer), true) = (&mut peer, only.is_empty()) {
        let mut best = 0.0_f64;
        for _ in 0..repeats {
            best = best.max(peer.ask("matmul")?);
        }
        println!("2048-cubed product of PyTorch: {best:.0} GFLOP/s");
        matmul = matmul.max(best);
    }
    for work in WORKS.iter().filter(|work| work.name.contains(&only)) {
        let (images, parameters) = inputs(work)?;
        run(work, &images, &parameters)?;
        let mut seconds = [Vec::new(), Vec::new(), Vec::new()];
        for layout in ["default", "channels-last"] {
            if let Some(peer) = &mut peer {
                peer.run(work, layout)?;
            }
        }
        for _ in 0..repeats {
            seconds[0].push(run(work, &images, &parameters)?);
            if let Some(peer) = &mut peer {
                seconds[1].push(peer.run(work, "default")?);
                seconds[2].push(peer.run(work, "channels-last")?);
            }
        }
        report(work, seconds, matmul);
    }
    Ok(())
}

fn report(work: &Work, [ours, default, channels_last]: [Vec<f64>; 3], matmul: f64) {
    let ours = spread(ours);
    println!("{:22} {ours}", work.name);
    if work.name == "forward" {
        let rate = 25.98 / ours.median;
        println!("{:22} {rate:.0} GFLOP/s of the plain convolution, {:.2} of the best product", "", rate / matmul);
    }
    for (name, theirs) in [("PyTorch", default), ("PyTorch channels last", channels_last)] {
        if !theirs.is_empty() {
            // Least with least, median with median, most with most.
            let theirs = spread(theirs);
            let [low, median, high] = [theirs.low / ours.low, theirs.median / ours.median, theirs.high / ours.high];
            println!("  {name:20} {theirs}: {median:.2} times ours ({low:.2}, {high:.2})");
        }
    }
}
