//! The folder of a run.
//!
//! | file | what |
//! |---|---|
//! | `run.json` | config, data fingerprint, program, instruction set ([`RunRecord`]) |
//! | `interventions.jsonl` | live changes, on disk before the step that they affect |
//! | `scalars.jsonl` | one line a step: values and weights; no times, so that equal runs have equal files |
//! | `timings.jsonl` | one line a step: seconds |
//! | `evaluations.jsonl` | accuracies |
//! | `checkpoints/` | the newest few |
//! | `run.lock` | locked by the program that has the run open; empty |
//! | `synthetic.npz`, `synthetic/` | the images, at the end |

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Checkpoints, files};
use crate::{
    error::{Error, Result},
    report::{Evaluation, Intervention, StepReport, TestedOn},
};

/// What `run.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord<C> {
    /// Program and version.
    pub program: String,
    /// The instruction set that the kernels used; results are equal to the bit only on the same one.
    pub instruction_set: String,
    /// The device in words.
    pub device: String,
    /// Name of the data set.
    pub data: String,
    /// SHA-256 over the data.
    pub data_fingerprint: String,
    /// The config with everything that was set over it.
    pub config: C,
}

/// One line of `timings.jsonl`.
#[derive(Serialize, Deserialize)]
struct Timing {
    step: u64,
    secs: f64,
}

/// The folder of a run. Nobody else can open it until it is [let go](Self::let_go), dropped, or the process has died.
pub struct RunFolder {
    path: PathBuf,
    /// None while the folder is let go.
    logs: Option<Logs>,
    /// Length of `scalars.jsonl` when the folder was let go.
    left_at: u64,
}

/// The logs, and the lock that goes with them.
struct Logs {
    scalars: files::Lines,
    timings: files::Lines,
    interventions: files::Lines,
    evaluations: files::Lines,
    /// The last field: it is let go when the logs are written.
    _lock: File,
}

impl Logs {
    fn open(path: &Path, lock: File) -> Result<Self> {
        let lines = |name: &str| files::Lines::open(path.join(name));
        Ok(Self {
            scalars: lines("scalars.jsonl")?,
            timings: lines("timings.jsonl")?,
            interventions: lines("interventions.jsonl")?,
            evaluations: lines("evaluations.jsonl")?,
            _lock: lock,
        })
    }
}

impl RunFolder {
    /// Makes the folder of a new run. A folder that holds a run already is left as it is.
    pub fn create(path: &Path, record: &RunRecord<impl Serialize>) -> Result<Self> {
        let run = path.join("run.json");
        let refuse_a_run = || {
            if run.exists() {
                return Err(Error::Config(format!(
                    "{} holds a run already. Go on with it by --resume, or choose another folder with --out",
                    path.display()
                )));
            }
            Ok(())
        };
        refuse_a_run()?;
        let checkpoints = path.join("checkpoints");
        fs::create_dir_all(&checkpoints).map_err(Error::file("create", &checkpoints))?;
        let folder = Self::open(path)?;
        refuse_a_run()?; // Somebody may have been faster.
        folder.set_record(record)?;
        Ok(folder)
    }

    /// Writes `run.json`, over the one before: a run that goes on may be made longer.
    pub fn set_record(&self, record: &RunRecord<impl Serialize>) -> Result<()> {
        files::replace(&self.path.join("run.json"), |out| {
            serde_json::to_writer_pretty(&mut *out, record)?;
            out.write_all(b"\n")
        })
    }

    /// Opens the folder of a run that is there.
    pub fn open(path: &Path) -> Result<Self> {
        let logs = Logs::open(path, lock(path)?)?;
        Ok(Self { path: path.to_owned(), logs: Some(logs), left_at: 0 })
    }

    /// Brings everything to the disk and lets other programs have the folder. Whatever is recorded later takes it again.
    pub fn let_go(&mut self) -> Result<()> {
        if self.logs.is_some() {
            self.sync()?;
            self.left_at = self.scalars_len();
            self.logs = None;
        }
        Ok(())
    }

    /// The logs; takes the folder again where it was let go. Refused when another program went on with the run meanwhile.
    fn logs(&mut self) -> Result<&mut Logs> {
        let logs = if let Some(logs) = self.logs.take() {
            logs
        } else {
            let lock = lock(&self.path)?;
            if self.scalars_len() != self.left_at {
                return Err(Error::Config(format!(
                    "another program went on with {}. Resume it to go on from there",
                    self.path.display()
                )));
            }
            Logs::open(&self.path, lock)?
        };
        Ok(self.logs.insert(logs))
    }

    fn scalars_len(&self) -> u64 {
        fs::metadata(self.path.join("scalars.jsonl")).map_or(0, |file| file.len())
    }

    /// Reads what a run was started with.
    pub fn record<C: DeserializeOwned>(path: &Path) -> Result<RunRecord<C>> {
        let run = path.join("run.json");
        if !run.exists() {
            return Err(Error::Config(format!(
                "{} holds no run (there is no run.json in it). Name a folder that was made with --out",
                path.display()
            )));
        }
        let text = fs::read(&run).map_err(Error::file("read", &run))?;
        serde_json::from_slice(&text).map_err(|error| {
            Error::Config(format!("{} is damaged or of another version of the program: {error}", run.display()))
        })
    }

    /// Cuts the logs back to what was known at `step`. Evaluations on the test split stay, since their count must not be
    /// forgotten; interventions stay, and those of later steps will be applied again.
    pub fn cut_back(&mut self, step: u64) -> Result<()> {
        let [scalars, timings, interventions, evaluations] =
            ["scalars", "timings", "interventions", "evaluations"].map(|name| self.path.join(format!("{name}.jsonl")));
        files::retain_lines::<StepReport>(&scalars, |line| line.step <= step)?;
        files::retain_lines::<Timing>(&timings, |line| line.step <= step)?;
        files::retain_lines::<Intervention>(&interventions, |_| true)?;
        files::retain_lines::<Evaluation>(&evaluations, |line| line.step <= step || line.tested_on == TestedOn::Test)?;
        // The old files have lost their names: go on with the new ones.
        let logs = self.logs()?;
        logs.scalars = files::Lines::open(scalars)?;
        logs.timings = files::Lines::open(timings)?;
        logs.interventions = files::Lines::open(interventions)?;
        logs.evaluations = files::Lines::open(evaluations)?;
        Ok(())
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its checkpoints, of which the newest `keep` are kept.
    pub fn checkpoints(&self, keep: usize) -> Checkpoints {
        Checkpoints::new(self.path.join("checkpoints"), keep)
    }

    /// What was changed while it ran.
    pub fn interventions(path: &Path) -> Result<Vec<Intervention>> {
        files::read_lines(&path.join("interventions.jsonl"))
    }

    /// How it was judged.
    pub fn evaluations(path: &Path) -> Result<Vec<Evaluation>> {
        files::read_lines(&path.join("evaluations.jsonl"))
    }

    /// What its steps computed.
    pub fn scalars(path: &Path) -> Result<Vec<StepReport>> {
        files::read_lines(&path.join("scalars.jsonl"))
    }

    /// Records a step.
    pub fn add_step(&mut self, report: &StepReport, secs: f64) -> Result<()> {
        let logs = self.logs()?;
        logs.scalars.append(report)?;
        logs.timings.append(&Timing { step: report.step, secs })
    }

    /// Records a live change; it is on disk when this returns.
    pub fn add_intervention(&mut self, intervention: &Intervention) -> Result<()> {
        let logs = self.logs()?;
        logs.interventions.append(intervention)?;
        logs.interventions.sync()
    }

    /// Records an evaluation; it is on disk when this returns.
    pub fn add_evaluation(&mut self, evaluation: &Evaluation) -> Result<()> {
        let logs = self.logs()?;
        logs.evaluations.append(evaluation)?;
        logs.evaluations.sync()
    }

    /// Lets other programs see all lines.
    pub fn flush(&mut self) -> Result<()> {
        let logs = self.logs()?;
        logs.scalars.flush()?;
        logs.timings.flush()
    }

    /// Brings all lines to the disk. A checkpoint comes after this, so that no line before it can be missing.
    pub fn sync(&mut self) -> Result<()> {
        let logs = self.logs()?;
        logs.scalars.sync()?;
        logs.timings.sync()
    }
}

/// Two programs writing one run would mix their lines. The operating system lets the lock go when a process dies.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("run.lock");
    let file = File::create(&path).map_err(Error::file("write", &path))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::Config(format!(
            "{} is in use by another run of this program. Wait until that has ended, or choose another folder with --out",
            folder.display()
        ))),
        // A file system that knows no locks must not keep anybody from working.
        Err(TryLockError::Error(error)) if error.kind() != std::io::ErrorKind::Unsupported => {
            Err(Error::file("lock", &path)(error))
        }
        _ => Ok(file),
    }
}
