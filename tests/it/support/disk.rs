//! A small disk in memory that can be filled.

use std::{path::Path, process::Command};

use tempfile::TempDir;

use super::{driving::folder, program::succeed};

/// It goes with its guard.
pub(crate) struct Disk(TempDir);

impl Disk {
    /// None where the system lets nobody mount one.
    pub(crate) fn new(size: &str) -> Option<Self> {
        let folder = folder();
        let size = format!("size={size}");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        mount.is_ok_and(|output| output.status.success()).then(|| Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn grow(&self, size: &str) {
        succeed(Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(self.0.path()));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}
