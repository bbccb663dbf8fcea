//! Criteria and counts as people read them.

use osee_core::criteria::TieAware;

/// A criterion with its range over all tie-breakings, where that is wide:
/// `0.467 (0.400 .. 0.600)`.
pub fn tie_text(of: &TieAware, digits: usize) -> String {
    let value = format!("{:.digits$}", of.value);
    match of.range() {
        Some([min, max]) => format!("{value} ({min:.digits$} .. {max:.digits$})"),
        None => value,
    }
}

/// Of a run: "30 architectures and 142 neighbours".
pub fn population(drawn: usize, neighbours: usize) -> String {
    match neighbours {
        0 => format!("{drawn} architectures"),
        neighbours => format!("{drawn} architectures and {neighbours} neighbours"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_range_stands_beside_its_number() {
        let of = |min, max| TieAware { value: 0.467, expected: 0.467, min, max };
        assert_eq!(tie_text(&of(0.4, 0.6), 3), "0.467 (0.400 .. 0.600)");
        assert_eq!(tie_text(&of(0.45, 0.48), 4), "0.4670");
    }
}
