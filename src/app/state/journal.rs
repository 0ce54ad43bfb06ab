//! The log: warnings and errors, each once, with how often and when it came last.

/// How much an entry matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// Something was done.
    Note,
    /// The run goes on, and people should know.
    Warning,
    /// Something failed.
    Failure,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How much it matters.
    pub grade: Grade,
    /// What happened and what to do.
    pub text: String,
    /// How often it came.
    pub count: u64,
    /// The step at which it came last.
    pub step: u64,
}

/// How many different lines are kept; the oldest are left out first.
const KEPT: usize = 500;

/// All lines, the one that came last at the end.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// The lines.
    pub entries: Vec<Entry>,
}

impl Journal {
    /// Writes a line; one that stands there already is counted and moves to the end.
    pub fn write(&mut self, grade: Grade, text: impl Into<String>, step: u64) {
        let text = text.into();
        let known = self.entries.iter().position(|entry| entry.grade == grade && entry.text == text);
        let count = known.map_or(0, |position| self.entries.remove(position).count);
        if self.entries.len() == KEPT {
            self.entries.remove(0);
        }
        self.entries.push(Entry { grade, text, count: count + 1, step });
    }

    /// How many different lines of a grade there are.
    pub fn count(&self, grade: Grade) -> usize {
        self.entries.iter().filter(|entry| entry.grade == grade).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_warning_stands_once_with_a_count() {
        let mut journal = Journal::default();
        journal.write(Grade::Warning, "disk nearly full", 3);
        journal.write(Grade::Note, "exported", 4);
        journal.write(Grade::Warning, "disk nearly full", 9);
        assert_eq!(journal.entries.len(), 2);
        let last = &journal.entries[1];
        assert_eq!((last.count, last.step, last.grade), (2, 9, Grade::Warning));
    }
}
