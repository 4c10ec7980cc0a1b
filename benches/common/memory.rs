//! Memory of this process.

/// Bytes in pages of this process, from the line of `/proc/self/status` that begins with `key`:
/// `VmRSS:` now, `VmHWM:` at most so far.
pub fn memory(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with(key))
        .expect("the line is there");
    let kilobytes = line.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok());
    kilobytes.expect("it holds a number") << 10
}
