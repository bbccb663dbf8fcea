//! Writes events as lines of JSON, for programs.

use super::{Event, Reporter};
use std::{
    fmt,
    io::Write,
    sync::{Mutex, PoisonError},
};

/// Writes one JSON object a line, with the kind of event in `event`.
pub struct JsonLines<W>(Mutex<W>);

impl<W: Write + Send> JsonLines<W> {
    /// Writes to `to`.
    pub fn new(to: W) -> Self {
        Self(Mutex::new(to))
    }
}

impl<W> fmt::Debug for JsonLines<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonLines")
    }
}

impl<W: Write + Send> Reporter for JsonLines<W> {
    fn tell(&self, event: Event<'_>) {
        let mut line = serde_json::to_string(&event).expect("an event is plain data");
        line.push('\n');
        let mut to = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The reader may be gone; the work continues.
        let _ = to.write_all(line.as_bytes()).and_then(|()| to.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use osee_core::store::EpochReport;

    #[test]
    fn every_event_is_an_object_with_its_kind() {
        let report = EpochReport {
            epoch: 3,
            loss: 1.5,
            accuracy: 0.25,
            learning_rate: 0.05,
            images_per_second: 900.0,
        };
        let mut text = Vec::new();
        let lines = JsonLines::new(&mut text);
        lines.tell(Event::ScoringBegins { outstanding: 3, units: 8 });
        lines.tell(Event::TrainingEpoch { supernet: "os\n", seed: u64::MAX, report: &report });
        lines.tell(Event::Over);
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], r#"{"event":"scoring-begins","outstanding":3,"units":8}"#);
        assert_eq!(
            lines[1],
            r#"{"event":"training-epoch","supernet":"os\n","seed":18446744073709551615,"epoch":3,"loss":1.5,"accuracy":0.25,"learning_rate":0.05,"images_per_second":900.0}"#
        );
        assert_eq!(lines[2..], [r#"{"event":"over"}"#]);
    }
}
