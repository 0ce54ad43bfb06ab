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
//! | `....cut-1`, `....torn-1`, `....bad-1` | what was set aside when the run went on |

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Checkpoints, LogLengths, files,
    log::{Lines, Log},
};
use crate::{
    error::{Error, Result},
    program::Build,
    report::{Evaluation, Intervention, StepReport},
};

pub(super) const SCALARS: &str = "scalars.jsonl";
pub(super) const TIMINGS: &str = "timings.jsonl";
pub(super) const INTERVENTIONS: &str = "interventions.jsonl";
pub(super) const EVALUATIONS: &str = "evaluations.jsonl";
pub(super) const CHECKPOINTS: &str = "checkpoints";
const LOGS: [&str; 4] = [SCALARS, TIMINGS, INTERVENTIONS, EVALUATIONS];

/// What `run.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord<C> {
    /// Program and version.
    pub program: String,
    /// What the program was made from; older files do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
    /// The instruction set that the kernels used; results are equal to the bit only on the same one.
    pub instruction_set: String,
    /// The device in words.
    pub device: String,
    /// Name of the data set.
    pub data: String,
    /// SHA-256 over the data.
    pub data_fingerprint: String,
    /// SHA-256 of the parameters of every trained network, and of the latent space, through which the run looks, by name.
    /// They are known when they are trained.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<String, String>,
    /// The config with everything that was set over it.
    pub config: C,
}

/// One line of `timings.jsonl`.
#[derive(Serialize, Deserialize)]
pub(super) struct Timing {
    pub(super) step: u64,
    secs: f64,
}

/// What can be read of the logs of a run that somebody looks at.
pub struct Looked {
    /// What was changed while it ran.
    pub interventions: Vec<Intervention>,
    /// How it was judged.
    pub evaluations: Vec<Evaluation>,
    /// What its steps computed.
    pub scalars: Vec<StepReport>,
    /// Names what cannot be read.
    pub faults: Vec<String>,
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
    scalars: Lines,
    timings: Lines,
    interventions: Lines,
    evaluations: Lines,
    /// The last field: it is let go when the logs are written.
    _lock: File,
}

impl Logs {
    fn open(path: &Path, lock: File) -> Result<Self> {
        let [scalars, timings, interventions, evaluations] = LOGS.map(|name| Lines::open(path.join(name)));
        Ok(Self {
            scalars: scalars?,
            timings: timings?,
            interventions: interventions?,
            evaluations: evaluations?,
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
        let holds = |name: &&str| fs::metadata(path.join(name)).is_ok_and(|file| file.len() > 0);
        if let Some(log) = LOGS.iter().find(|name| holds(name)) {
            return Err(Error::Config(format!(
                "{} holds {log} of a run whose run.json is gone. Put that back, or choose another folder with --out",
                path.display()
            )));
        }
        let checkpoints = path.join(CHECKPOINTS);
        fs::create_dir_all(&checkpoints).map_err(Error::file("create", &checkpoints))?;
        let folder = Self::locked(path.to_owned(), lock(path)?)?;
        refuse_a_run()?; // Somebody may have been faster.
        folder.set_record(record)?;
        Ok(folder)
    }

    /// Writes `run.json`, over the one before: a run that goes on may be made longer.
    pub fn set_record(&self, record: &RunRecord<impl Serialize>) -> Result<()> {
        files::write_json(&self.path.join("run.json"), record)
    }

    /// A folder that is locked already.
    pub(super) fn locked(path: PathBuf, lock: File) -> Result<Self> {
        let logs = Logs::open(&path, lock)?;
        Ok(Self { path, logs: Some(logs), left_at: 0 })
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
        fs::metadata(self.path.join(SCALARS)).map_or(0, |file| file.len())
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
        files::read_json(&run, "Put it back from a copy: it says what the run was started with")
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its checkpoints, of which the newest `keep` are kept.
    pub fn checkpoints(&self, keep: usize) -> Checkpoints {
        Checkpoints::new(self.path.join(CHECKPOINTS), keep)
    }

    /// What was changed while it ran; an error where a line cannot be read.
    pub fn interventions(path: &Path) -> Result<Vec<Intervention>> {
        Log::read(&path.join(INTERVENTIONS))?.whole()
    }

    /// How it was judged; an error where a line cannot be read.
    pub fn evaluations(path: &Path) -> Result<Vec<Evaluation>> {
        Log::read(&path.join(EVALUATIONS))?.whole()
    }

    /// What its steps computed; an error where a line cannot be read.
    pub fn scalars(path: &Path) -> Result<Vec<StepReport>> {
        Log::read(&path.join(SCALARS))?.whole()
    }

    /// Reads what can be read of a run, and names the rest. Changes nothing.
    pub fn look(path: &Path) -> Result<Looked> {
        let (interventions, evaluations) = (Log::read(&path.join(INTERVENTIONS))?, Log::read(&path.join(EVALUATIONS))?);
        let scalars = Log::read(&path.join(SCALARS))?;
        let faults = [interventions.faults(), evaluations.faults(), scalars.faults()].concat();
        let (interventions, evaluations) = (interventions.what(), evaluations.what());
        Ok(Looked { interventions, evaluations, scalars: scalars.what(), faults })
    }

    /// Records a step.
    pub fn add_step(&mut self, report: &StepReport, secs: f64) -> Result<()> {
        let logs = self.logs()?;
        logs.scalars.append(report)?;
        logs.timings.append(&Timing { step: report.step, secs })
    }

    /// Records a live change; it is on disk when this returns. Where that fails nothing of it is left.
    pub fn add_intervention(&mut self, intervention: &Intervention) -> Result<()> {
        self.logs()?.interventions.record(intervention)
    }

    /// Records an evaluation; it is on disk when this returns. Where that fails it waits for the next [`sync`](Self::sync).
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

    /// Brings all lines to the disk, and says how long the logs of the steps are. A checkpoint comes after this, so that no
    /// line before it can be missing.
    pub fn sync(&mut self) -> Result<LogLengths> {
        let logs = self.logs()?;
        logs.evaluations.sync()?;
        logs.scalars.sync()?;
        logs.timings.sync()?;
        Ok(LogLengths { scalars: logs.scalars.len(), timings: logs.timings.len() })
    }
}

/// Two programs writing one run would mix their lines. The operating system lets the lock go when a process dies.
pub(super) fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("run.lock");
    let file = File::create(&path).map_err(Error::file("write", &path))?;
    let mut tried = file.try_lock();
    // A child that another thread is just starting holds the lock for a moment.
    for _ in 0..20 {
        if !matches!(tried, Err(TryLockError::WouldBlock)) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
        tried = file.try_lock();
    }
    match tried {
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
