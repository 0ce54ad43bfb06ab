//! What this process takes of the machine's memory, where the system tells (Linux).

/// Bytes in memory now.
pub fn resident_bytes() -> Option<u64> {
    status("VmRSS:")
}

/// The most bytes that were in memory at a time.
pub fn peak_bytes() -> Option<u64> {
    status("VmHWM:")
}

/// A line of `/proc/self/status`, in bytes.
fn status(key: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_held_is_counted_in_bytes() {
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        let (now, peak) = (resident_bytes().unwrap(), peak_bytes().unwrap());
        assert!(now >= block.len() as u64 && now < 1 << 40, "{now}");
        assert!(peak >= now);
    }
}
