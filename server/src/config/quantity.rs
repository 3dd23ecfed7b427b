//! Times and sizes as people write them.

use std::time::Duration;

const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Milliseconds in each unit of time. `ms` stands before the units that its end could be taken for.
const TIMES: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A size: `512MiB`, `8GiB`, `10MB`, or a number of bytes.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    for (unit, bytes) in SIZES {
        if let Some(number) = text.strip_suffix(unit) {
            return number.trim_end().parse::<u64>().ok()?.checked_mul(bytes);
        }
    }
    text.parse().ok()
}

/// A time: `500ms`, `30s`, `10m`, `2h` or `30d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = TIMES.iter().find_map(|(unit, ms)| Some((text.strip_suffix(unit)?, *ms)))?;
    let milliseconds = number.trim_end().parse::<u64>().ok()?.checked_mul(unit)?;
    Some(Duration::from_millis(milliseconds))
}

/// A size in the largest unit that holds it exactly.
pub(super) fn write_bytes(bytes: u64) -> String {
    let unit = SIZES[..4].iter().find(|(_, size)| bytes >= *size && bytes.is_multiple_of(*size));
    match unit {
        Some((unit, size)) => format!("{}{unit}", bytes / size),
        None => bytes.to_string(),
    }
}

/// A time in the largest unit up to minutes that holds it exactly.
pub(super) fn write_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    match milliseconds {
        0 => "0s".to_owned(),
        whole if whole.is_multiple_of(60_000) => format!("{}m", whole / 60_000),
        whole if whole.is_multiple_of(1_000) => format!("{}s", whole / 1_000),
        whole => format!("{whole}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (text, bytes) in
            [("0", 0), ("17", 17), ("1KiB", 1024), ("3 MiB", 3 << 20), ("2GB", 2_000_000_000), ("5B", 5)]
        {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for bytes in [0, 1, 1023, 1024, 3 << 20, 10 << 30, (1 << 30) + 1] {
            assert_eq!(parse_bytes(&write_bytes(bytes)), Some(bytes));
        }
        for text in ["", "GiB", "-1", "1.5GiB", "1XB", "99999999999TiB"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_read_as_they_are_written() {
        for (text, seconds) in [("30s", 30), ("10m", 600), ("2h", 7200), ("30d", 2_592_000), ("0s", 0)] {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        for duration in [0, 1, 1_500, 2_000, 60_000, 90_000, 1_800_000].map(Duration::from_millis) {
            assert_eq!(parse_duration(&write_duration(duration)), Some(duration));
        }
        for text in ["", "s", "30", "-1s", "1.5h", "1w"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
