//! Memory of processes.

/// Bytes in pages of this process, as [`memory_of`].
#[allow(dead_code, reason = "some look at another process alone")]
pub fn memory(key: &str) -> u64 {
    memory_of(std::process::id(), key)
}

/// Bytes in pages of a process, from the line of its `/proc/PID/status` that begins with `key`:
/// `VmRSS:` now, `VmHWM:` at most so far.
pub fn memory_of(process: u32, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("this is Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with(key))
        .expect("the line is there");
    let kilobytes = line.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok());
    kilobytes.expect("it holds a number") << 10
}
