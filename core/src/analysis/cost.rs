//! Cost against quality: which estimators are worth their time.

use serde::Serialize;

/// An estimator as a point in the plane of time and quality.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostPoint {
    /// Name of the estimator.
    pub name: String,
    /// Milliseconds per architecture; NaN if unknown.
    pub milliseconds: f64,
    /// tau-b, or another criterion where higher is better; `None` if undefined.
    pub kd: Option<f64>,
}

/// A point with its relation to the Pareto front.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParetoPoint {
    /// The point itself.
    pub point: CostPoint,
    /// The best point that is at least as fast and as good, and better in one of the two. `None` on
    /// the front, or if the point has no quality or no time.
    pub dominated_by: Option<String>,
    /// True on the front: no other point is as fast and better, or as good and faster.
    pub on_front: bool,
}

/// The Pareto front of time and quality, by ascending time. Two equal points are both on it.
pub fn pareto(points: &[CostPoint]) -> Vec<ParetoPoint> {
    let comparable = |p: &CostPoint| p.kd.filter(|kd| !kd.is_nan() && !p.milliseconds.is_nan());
    let judge = |point: &CostPoint| {
        let own = comparable(point);
        let beats = |other: &&CostPoint| match (own, comparable(other)) {
            (Some(kd), Some(theirs)) => {
                let (time, their_time) = (point.milliseconds, other.milliseconds);
                theirs >= kd && their_time <= time && (theirs > kd || their_time < time)
            }
            _ => false,
        };
        let best = points.iter().filter(beats).max_by(|a, b| {
            let key = |p: &CostPoint| p.kd.unwrap_or(f64::NEG_INFINITY);
            key(a).total_cmp(&key(b)).then(b.milliseconds.total_cmp(&a.milliseconds))
        });
        ParetoPoint {
            point: point.clone(),
            dominated_by: best.map(|other| other.name.clone()),
            on_front: own.is_some() && best.is_none(),
        }
    };
    let mut judged: Vec<ParetoPoint> = points.iter().map(judge).collect();
    judged.sort_by(|a, b| a.point.milliseconds.total_cmp(&b.point.milliseconds));
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_and_bad_is_dominated() {
        let point =
            |name: &str, milliseconds, kd| CostPoint { name: name.into(), milliseconds, kd };
        let all = [
            point("slow", 9.0, Some(0.4)),
            point("params", 0.1, Some(0.5)),
            point("best", 3.0, Some(0.7)),
            point("constant", 0.01, None),
        ];
        let judged = pareto(&all);
        let front: Vec<&str> =
            judged.iter().filter(|p| p.on_front).map(|p| p.point.name.as_str()).collect();
        assert_eq!(front, ["params", "best"]);
        assert_eq!(judged[3].dominated_by.as_deref(), Some("best"));
        assert!(!judged[0].on_front && judged[0].dominated_by.is_none());
    }
}
