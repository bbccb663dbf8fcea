//! Formats numbers for people.

use std::fmt::Display;

/// Decimals of criteria.
pub const DIGITS: usize = 3;

/// The number with this many decimals, and no minus before zero.
pub fn fixed(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|it| matches!(it, '0' | '.')) => rest.to_owned(),
        _ => text,
    }
}

/// A whole number with its thousands separated: 15,625.
pub fn thousands(whole: impl Display) -> String {
    let mut text = whole.to_string();
    let first = usize::from(text.starts_with('-'));
    let mut at = text.len();
    while at > first + 3 {
        at -= 3;
        text.insert(at, ',');
    }
    text
}

/// Smaller p-values are shown only as smaller than this.
const SMALL: f64 = 0.001;

/// A p-value with three decimals; never 0.
pub fn p_text(p: f64) -> String {
    if p < SMALL { "<0.001".to_owned() } else { format!("{p:.3}") }
}

/// Text such as `p = 0.012` or `p < 0.001`.
pub fn p_equals(p: f64) -> String {
    if p < SMALL { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}

/// A p-value whose size matters, such as the smallest possible one.
pub fn p_size(p: f64) -> String {
    if p < SMALL { format!("{p:.1e}") } else { format!("{p:.3}") }
}

/// A file size in bytes, kB or MB.
pub fn file_size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..100_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.0} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let shown = [0, 999, -999, 1000, -15_625, 1_000_000].map(thousands);
        assert_eq!(shown, ["0", "999", "-999", "1,000", "-15,625", "1,000,000"]);
    }

    #[test]
    fn no_p_value_is_printed_as_zero() {
        assert_eq!((p_text(3e-7), p_text(0.0125)), ("<0.001".to_owned(), "0.013".to_owned()));
        assert_eq!(p_equals(3e-7), "p < 0.001");
        assert_eq!(
            (p_size(2.0 / 40_320.0), p_size(0.25)),
            ("5.0e-5".to_owned(), "0.250".to_owned())
        );
    }
}
