//! The command line: the same engine and the same verbs as the window.
//!
//! Progress and warnings go to standard error, results to standard output; with `--json` the last line of standard
//! output is one object. Exit codes: 0 done, 2 wrong use or config, 3 data and files, 4 device or numbers, 130
//! interrupted with everything saved.

mod analyse;
mod bench;
mod compare;
mod distill;
mod drive;
mod evaluate;
mod export;
mod fewshot;
mod lists;
mod merge;
mod replay;
mod set;
mod tables;
mod verdict;

use std::{path::PathBuf, process::ExitCode, sync::OnceLock};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    config::RunConfig,
    data::DataSpec,
    engine::JudgeAtEnd,
    error::{Error, Result},
    nn::{DeviceSpec, kernels},
    program::Build,
    store::RunRecord,
};

pub use distill::demo;

/// Watch, steer and judge dataset distillation while it runs.
#[derive(Parser)]
#[command(version = version(), about, long_about = None)]
struct Cli {
    /// Pin the kernels to avx512, avx2 or portable; by default the best that the processor has, and for a run that goes on
    /// or is replayed the one that it began with
    #[arg(long, value_name = "NAME", global = true)]
    isa: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Distil a data set
    Distill(distill::DistillArgs),
    /// Judge the images of a run, or a set from files: train fresh networks on them and test those
    Evaluate(evaluate::EvaluateArgs),
    /// Distil by several presets and put their results beside each other, and beside selections of real images
    Compare(compare::CompareArgs),
    /// Write the images of a run in every form that others read, and measure what was written
    Export(export::ExportArgs),
    /// Say which images to use: those of a run, as many real ones, or all of them
    Verdict(verdict::VerdictArgs),
    /// Run a finished run again, live changes included, and compare
    Replay(replay::ReplayArgs),
    /// Put runs over different classes of one data set together
    Merge(merge::MergeArgs),
    /// Say what is in a data set
    Data {
        /// For example digits, plane:moons or the path of a folder
        spec: DataSpec,
        /// Side to which the pictures of a folder are made, in pixels; 32 where nothing is said
        #[arg(long, value_name = "N")]
        size: Option<usize>,
    },
    /// Work out what the method of a run can: what an energy map leaves, distances of points, fusion with other data
    Analyse(analyse::AnalyseArgs),
    /// Learn classes that no network has seen from a few images each, by potential energy and by what is simpler
    Fewshot(fewshot::FewShotArgs),
    /// List the presets
    Presets,
    /// List what papers say of a data set, with the rules by which it was made and what is stored
    Published {
        /// cifar10, cifar100, fashion-mnist, svhn or mnist
        #[arg(default_value = "cifar10")]
        data: String,
    },
    /// Say how fast this machine does what a run does
    Bench(bench::BenchArgs),
    /// Print the licences of everything that the program is made of
    Licenses,
}

/// What is judged when all steps are done.
#[derive(Args)]
struct JudgeArgs {
    /// What to judge at the end: all, images (the distilled ones alone) or none. Without it the distilled images, as many
    /// random ones and medoids are judged, and the whole set where its accuracy is known already or where epochs times images
    /// are 300,000 at most
    #[arg(long, value_name = "WHAT")]
    judge: Option<Judged>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Judged {
    All,
    Images,
    None,
}

impl JudgeArgs {
    fn judge(&self) -> JudgeAtEnd {
        match self.judge {
            None => JudgeAtEnd::Usual,
            Some(Judged::All) => JudgeAtEnd::All,
            Some(Judged::Images) => JudgeAtEnd::Images,
            Some(Judged::None) => JudgeAtEnd::Nothing,
        }
    }
}

/// What to distil, on top of a preset or a config file.
#[derive(Args)]
struct ConfigArgs {
    /// A config file
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    config: Option<PathBuf>,
    /// A preset that is part of the program; see `spiritsafe presets`
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// The data set, for example digits or plane:moons
    #[arg(long, value_name = "SPEC")]
    data: Option<DataSpec>,
    /// Side to which the pictures of a folder are made, in pixels; 32 where nothing is said
    #[arg(long, value_name = "N")]
    size: Option<usize>,
    /// Number of steps
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Synthetic images in each class
    #[arg(long, value_name = "N")]
    ipc: Option<usize>,
    /// Where everything random comes from
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// auto, cpu, cuda or metal
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Labels to distil, for example 0,1,2 or 0-4
    #[arg(long, value_name = "LIST")]
    classes: Option<String>,
    /// Any key of the config, for example network.width=64
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl ConfigArgs {
    /// The config that all of this makes.
    fn read(&self) -> Result<RunConfig> {
        let mut config = match (&self.config, &self.preset) {
            (Some(path), _) => RunConfig::read(path, &self.set)?,
            (None, preset) => RunConfig::preset(preset.as_deref().unwrap_or("digits"), &self.set)?,
        };
        if let Some(data) = &self.data {
            config.data = data.clone();
        }
        if let Some(size) = self.size {
            config.data = config.data.with_size(size)?;
        }
        config.steps = self.steps.unwrap_or(config.steps);
        config.images.per_class = self.ipc.unwrap_or(config.images.per_class);
        config.seed = self.seed.unwrap_or(config.seed);
        if let Some(device) = &self.device {
            config.device = parse_device(device)?;
        }
        if let Some(classes) = &self.classes {
            config.classes = parse_classes(classes)?;
        }
        Ok(config)
    }
}

impl ConfigArgs {
    /// Those that were given and say nothing to a run that goes on with its own config.
    fn without_use_on_resume(&self) -> Vec<&'static str> {
        let given = [
            ("--config", self.config.is_some()),
            ("--preset", self.preset.is_some()),
            ("--size", self.size.is_some()),
            ("--ipc", self.ipc.is_some()),
            ("--seed", self.seed.is_some()),
            ("--classes", self.classes.is_some()),
            ("--set", !self.set.is_empty()),
        ];
        given.into_iter().filter_map(|(name, given)| given.then_some(name)).collect()
    }
}

/// What `--version` says behind the name.
fn version() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| Build::of_this_program().to_string())
}

fn parse_device(name: &str) -> Result<DeviceSpec> {
    match name {
        "auto" => Ok(DeviceSpec::Auto),
        "cpu" => Ok(DeviceSpec::Cpu),
        "cuda" => Ok(DeviceSpec::Cuda),
        "metal" => Ok(DeviceSpec::Metal),
        _ => Err(Error::Config(format!("there is no device \"{name}\". Use auto, cpu, cuda or metal"))),
    }
}

/// `0,2,5-7` as labels.
fn parse_classes(list: &str) -> Result<Vec<u32>> {
    let wrong = || Error::Config(format!("{list}: write labels like 0,1,2 or ranges like 0-4"));
    let mut classes = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let bounds = (first.trim().parse::<u32>(), last.trim().parse::<u32>());
        match bounds {
            (Ok(first), Ok(last)) if first <= last => classes.extend(first..=last),
            _ => return Err(wrong()),
        }
    }
    Ok(classes)
}

/// Reads the arguments and does what they say. `window` is tried when no command is given; where it cannot open it says
/// why, and the same job runs in the terminal.
pub fn main(window: impl FnOnce() -> Result<(), String>) -> ExitCode {
    let Cli { isa, command } = Cli::parse();
    let pinned = isa.map_or(Ok(()), |isa| kernels::pin_instruction_set(&isa).map_err(Error::Config));
    let outcome = pinned.and_then(|()| match command {
        Some(Command::Distill(args)) => args.run(),
        Some(Command::Evaluate(args)) => args.run(),
        Some(Command::Compare(args)) => args.run(),
        Some(Command::Replay(args)) => args.run(),
        Some(Command::Export(args)) => args.run(),
        Some(Command::Verdict(args)) => args.run(),
        Some(Command::Merge(args)) => args.run(),
        Some(Command::Data { spec, size }) => lists::data(spec, size),
        Some(Command::Analyse(args)) => args.run(),
        Some(Command::Fewshot(args)) => args.run(),
        Some(Command::Presets) => lists::presets(),
        Some(Command::Published { data }) => lists::published(&data),
        Some(Command::Bench(args)) => args.run(),
        Some(Command::Licenses) => {
            lists::licenses();
            Ok(())
        }
        None => window().or_else(|reason| {
            eprintln!("{reason}; running in the terminal instead");
            demo()
        }),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("spiritsafe: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Computes with the instruction set of a recorded run unless `--isa` has named another. Where this processor lacks it,
/// the run itself says that numbers may differ.
fn pin_as_recorded(record: &RunRecord<RunConfig>) {
    let _ = kernels::pin_instruction_set(&record.instruction_set);
}
