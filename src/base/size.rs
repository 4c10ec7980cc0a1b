//! Sizes of files in words: decimal units, as people and file managers count them.

/// Decimal units, the smallest first.
const UNITS: [(&str, u64); 4] = [
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// A size as people say it: `1 byte`, `999 bytes`, `2.5 MB`, `10 MB`. One digit follows the point unless the number is
/// whole.
pub fn in_words(bytes: u64) -> String {
    // From just below a unit on, rounding would give 1000 of the smaller one.
    let fits = |(_, unit): &&(&str, u64)| bytes >= unit - unit / 20_000;
    let Some((name, unit)) = UNITS.iter().rev().find(fits).filter(|_| bytes >= 1_000) else {
        return if bytes == 1 {
            "1 byte".to_owned()
        } else {
            format!("{bytes} bytes")
        };
    };
    if bytes.is_multiple_of(*unit) {
        return format!("{} {name}", bytes / unit);
    }
    let tenths = (u128::from(bytes) * 10 + u128::from(unit / 2)) / u128::from(*unit);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn sizes_are_said_in_decimal_units() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1 kB"),
            (1_050, "1.1 kB"),
            (950_000, "950 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (1_048_577, "1.0 MB"),
            (2_500_000, "2.5 MB"),
            (10_000_000, "10 MB"),
            (50_000_000, "50 MB"),
            (1_000_000_000, "1 GB"),
            (u64::MAX, "18446744.1 TB"),
        ] {
            assert_eq!(in_words(bytes), words, "{bytes}");
        }
    }
}
