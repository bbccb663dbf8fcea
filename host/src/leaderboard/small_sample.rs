//! Notes on what too few architectures cannot say.

use osee_core::criteria::{INTERVAL_FROM, smallest_kendall_p_value};
use osee_report::number::p_size;

/// Significance level: a difference counts as found if p is smaller.
pub const LEVEL: f64 = 0.05;

/// A note for below a leaderboard of so few architectures that KD has no interval:
/// which test replaces it, and whether that can find anything. `None` if there are
/// enough architectures.
pub fn few(architectures: usize) -> Option<String> {
    if architectures >= INTERVAL_FROM {
        return None;
    }
    let smallest = smallest_kendall_p_value(architectures);
    let found = match smallest < LEVEL {
        true => String::new(),
        false => ", so no KD over them is significant at 5%".to_owned(),
    };
    Some(format!(
        "{architectures} architectures: an interval of KD needs {INTERVAL_FROM}; p is that of KD \
         against 0 by all orders of the truth, the smallest that {architectures} allow is {}{found}",
        p_size(smallest)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_three_cannot_decide_is_said() {
        let three = few(3).unwrap();
        assert!(three.contains("3 allow is 0.333, so no KD over them is significant"), "{three}");
        let eight = few(8).unwrap();
        assert!(eight.ends_with("8 allow is 5.0e-5"), "{eight}");
        assert_eq!(few(9), None);
    }
}
