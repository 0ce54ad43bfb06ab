//! Logs: one JSON object a line, appended to. Lines that were written are never written again: they are kept, cut or set
//! aside as ranges of bytes.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    files::set_aside,
    version::{Fault, parse, versioned},
};
use crate::error::{Error, Result};

/// A log that is written. A line that cannot reach the file yet (the disk is full, say) waits in memory, whole, until a
/// later attempt succeeds.
pub(super) struct Lines {
    path: PathBuf,
    file: File,
    /// Bytes that the file holds.
    len: u64,
    waiting: Vec<u8>,
}

/// Lines wait until there is this much to write.
const WAITING_BYTES: usize = 1 << 16;

impl Lines {
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let open = || -> std::io::Result<(File, u64)> {
            let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
            let len = file.seek(SeekFrom::End(0))?;
            Ok((file, len))
        };
        let (file, len) = open().map_err(Error::file("write", &path))?;
        let mut lines = Self { path, file, len, waiting: Vec::new() };
        if !lines.ends_a_line().map_err(Error::file("read", &lines.path))? {
            lines.waiting.push(b'\n'); // A line that is whole but for its end.
        }
        Ok(lines)
    }

    /// True unless the file ends in the middle of a line.
    fn ends_a_line(&mut self) -> std::io::Result<bool> {
        if self.len == 0 {
            return Ok(true);
        }
        let mut last = [0];
        self.file.seek(SeekFrom::Start(self.len - 1))?;
        self.file.read_exact(&mut last)?; // Now it stands at the end again.
        Ok(last == *b"\n")
    }

    /// Bytes of the lines that have reached the file.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Appends a line; it reaches the disk with the next [`sync`](Self::sync).
    pub(super) fn append(&mut self, line: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.waiting, &versioned(line)).expect("plain data");
        self.waiting.push(b'\n');
        if self.waiting.len() < WAITING_BYTES { Ok(()) } else { self.flush() }
    }

    /// Appends a line and brings it to the disk. Where that fails nothing of it is left.
    pub(super) fn record(&mut self, line: &impl Serialize) -> Result<()> {
        self.flush()?;
        let before = self.len;
        self.append(line).and_then(|()| self.sync()).inspect_err(|_| {
            self.waiting.clear();
            let cut = self.file.set_len(before).and_then(|()| self.file.seek(SeekFrom::Start(before)));
            match cut {
                Ok(_) => self.len = before,
                Err(_) => self.waiting.push(b'\n'), // The rest of it must not become the begin of the next line.
            }
        })
    }

    /// Hands all lines to the operating system, so that other programs see them.
    pub(super) fn flush(&mut self) -> Result<()> {
        while !self.waiting.is_empty() {
            match self.file.write(&self.waiting) {
                Ok(written) => {
                    self.waiting.drain(..written);
                    self.len += written as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::file("write", &self.path)(error)),
            }
        }
        Ok(())
    }

    /// Brings all lines to the disk.
    pub(super) fn sync(&mut self) -> Result<()> {
        self.flush()?;
        self.file.sync_data().map_err(Error::file("write", &self.path))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let _ = self.flush(); // Whoever needs to know has synced before.
    }
}

/// A log that was read.
pub(super) struct Log<T> {
    path: PathBuf,
    /// Where each line lies, and what it says.
    pub(super) lines: Vec<(Range<u64>, T)>,
    /// Whole lines that cannot be read.
    bad: Vec<Bad>,
    /// What stands behind the last end of a line and is no whole line: the program was stopped while it wrote.
    torn: Option<Range<u64>>,
    /// Bytes of the file.
    pub(super) len: u64,
}

/// A line that cannot be read.
struct Bad {
    number: usize,
    range: Range<u64>,
    fault: Fault,
}

impl<T> Log<T> {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the last line ends that is whole, good or bad.
    pub(super) fn end_of_lines(&self) -> u64 {
        self.torn.as_ref().map_or(self.len, |torn| torn.start)
    }
}

impl<T: DeserializeOwned> Log<T> {
    /// Reads a log; no file is an empty log.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            bytes => bytes.map_err(Error::file("read", path))?,
        };
        let (mut lines, mut bad, mut torn, mut start) = (Vec::new(), Vec::new(), None, 0);
        for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let range = start..start + line.len() as u64;
            start = range.end;
            match parse(line) {
                Ok(what) => lines.push((range, what)),
                Err(Fault::Damaged(_)) if !line.ends_with(b"\n") => torn = Some(range),
                Err(fault) => bad.push(Bad { number: index + 1, range, fault }),
            }
        }
        Ok(Self { path: path.to_owned(), lines, bad, torn, len: start })
    }

    /// Refuses a log with bad lines before `end`; a torn last line is none.
    pub(super) fn refuse_bad(&self, end: u64) -> Result<()> {
        let Some(bad) = self.bad.iter().find(|bad| bad.range.start < end) else { return Ok(()) };
        let what_to_do = match bad.fault {
            Fault::Newer(_) => String::new(),
            Fault::Damaged(_) => format!(
                ". Nothing was changed. Mend it, or set such lines aside with: spiritsafe distill --resume --repair --out {}",
                self.path.parent().unwrap_or(Path::new("")).display()
            ),
        };
        Err(Error::Data(format!(
            "{}, line {} cannot be read: {}{what_to_do}",
            self.path.display(),
            bad.number,
            bad.fault
        )))
    }

    /// All lines; an error where one cannot be read, the torn last one left aside.
    pub(super) fn whole(self) -> Result<Vec<T>> {
        self.refuse_bad(u64::MAX)?;
        Ok(self.what())
    }

    /// What its lines say.
    pub(super) fn what(self) -> Vec<T> {
        self.lines.into_iter().map(|(_, what)| what).collect()
    }

    /// Names what cannot be read.
    pub(super) fn faults(&self) -> Vec<String> {
        let bad = |bad: &Bad| format!("{}, line {} was left out: {}", self.path.display(), bad.number, bad.fault);
        let torn = |torn: &Range<u64>| {
            format!(
                "{}: the last {} bytes were left out: they are no whole line",
                self.path.display(),
                torn.end - torn.start
            )
        };
        self.bad.iter().map(bad).chain(self.torn.iter().map(torn)).collect()
    }

    /// Sets bad lines before `end` aside; those of a later version are refused.
    pub(super) fn repair(&self, end: u64, notes: &mut Vec<String>) -> Result<()> {
        let bad: Vec<&Bad> = self.bad.iter().filter(|bad| bad.range.start < end).collect();
        if bad.iter().any(|bad| matches!(bad.fault, Fault::Newer(_))) {
            return self.refuse_bad(end);
        }
        if !bad.is_empty() {
            let ranges: Vec<Range<u64>> = bad.iter().map(|bad| bad.range.clone()).collect();
            let aside = set_aside(&self.path, &ranges, "bad")?;
            notes.push(format!(
                "{} lines of {} cannot be read and were moved to {}",
                bad.len(),
                self.path.display(),
                aside.display()
            ));
        }
        Ok(())
    }

    /// Sets a torn last line aside.
    pub(super) fn mend_end(&self, notes: &mut Vec<String>) -> Result<()> {
        if let Some(torn) = &self.torn {
            let aside = set_aside(&self.path, std::slice::from_ref(torn), "torn")?;
            notes.push(format!(
                "the last line of {} was never finished: its {} bytes were moved to {}",
                self.path.display(),
                torn.end - torn.start,
                aside.display()
            ));
        }
        Ok(())
    }

    /// Sets whole lines aside that are not wanted any more, as they are.
    pub(super) fn cut(&self, wanted: impl Fn(&T) -> bool, notes: &mut Vec<String>) -> Result<()> {
        let cut: Vec<Range<u64>> =
            self.lines.iter().filter(|(_, what)| !wanted(what)).map(|(range, _)| range.clone()).collect();
        self.aside(&cut, notes)
    }

    /// Sets everything behind a place aside, whatever it is.
    pub(super) fn cut_behind(&self, end: u64, notes: &mut Vec<String>) -> Result<()> {
        let rest = end..self.len;
        self.aside(if rest.is_empty() { &[] } else { std::slice::from_ref(&rest) }, notes)
    }

    fn aside(&self, ranges: &[Range<u64>], notes: &mut Vec<String>) -> Result<()> {
        if !ranges.is_empty() {
            let aside = set_aside(&self.path, ranges, "cut")?;
            notes.push(format!(
                "what stood behind the last checkpoint in {} is computed again and was moved to {}",
                self.path.display(),
                aside.display()
            ));
        }
        Ok(())
    }
}
