//! Prepares the images of training steps, for a GPU while it works on the step before.

use osee_engine::{
    Batch,
    data::{ImageSet, Preparation},
};
use osee_model::seed::Stream;
use std::{collections::BTreeMap, sync::Arc, thread::JoinHandle};

/// The images of one step.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Positions in the set of training images.
    pub positions: Vec<usize>,
    /// How they are prepared, once for each size of a network's input.
    pub how: Vec<Preparation>,
}

/// Prepared images by their side in pixels, and the stream that comes after them.
type Made = (BTreeMap<usize, Batch>, Stream);

/// Prepares steps in order, all from one stream of random numbers.
pub struct Feeder {
    images: Arc<ImageSet>,
    /// The stream before the next step that is not being prepared.
    random: Stream,
    /// True to prepare a step ahead on a thread of its own.
    ahead: bool,
    next: Option<JoinHandle<Made>>,
}

impl Feeder {
    /// Draws from `random`; what is drawn does not depend on `ahead`.
    pub fn new(images: Arc<ImageSet>, random: Stream, ahead: bool) -> Self {
        Self { images, random, ahead, next: None }
    }

    /// The images of a step, on the CPU. With `next`, which must be what the next call wants,
    /// they may be prepared from now on.
    pub fn step(&mut self, now: &Wanted, next: Option<&Wanted>) -> BTreeMap<usize, Batch> {
        let began = self.next.take().and_then(|thread| thread.join().ok());
        let (batches, random) =
            began.unwrap_or_else(|| prepared(&self.images, now, self.random.clone()));
        self.random = random;
        if let Some(next) = next.filter(|_| self.ahead) {
            let (images, next, random) =
                (Arc::clone(&self.images), next.clone(), self.random.clone());
            self.next = Some(std::thread::spawn(move || prepared(&images, &next, random)));
        }
        batches
    }
}

/// The images are drawn once for all sizes.
fn prepared(images: &ImageSet, wanted: &Wanted, before: Stream) -> Made {
    let (mut batches, mut after) = (BTreeMap::new(), before.clone());
    for how in &wanted.how {
        batches.entry(how.side).or_insert_with(|| {
            after = before.clone();
            images.batch(&wanted.positions, how, &mut after)
        });
    }
    (batches, after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use osee_engine::data::Source;
    use osee_model::{
        recipe::Recipe,
        seed::{below, stream},
    };

    #[test]
    fn what_is_prepared_ahead_is_what_is_prepared_when_it_is_asked_for() {
        let images = Arc::new(
            ImageSet::read(&Source::open(&"digits".parse().unwrap()).unwrap(), 0..64).unwrap(),
        );
        let how = |side| Preparation {
            side,
            augment: true,
            mirror: true,
            cutout: None,
            normalisation: Recipe::default().normalisation,
        };
        let steps: Vec<Wanted> = (0..4)
            .map(|step| Wanted {
                positions: (step * 8..step * 8 + 8).collect(),
                how: if step == 2 { vec![how(8), how(4), how(8)] } else { vec![how(8)] },
            })
            .collect();
        let fed = |ahead| {
            let mut feeder = Feeder::new(Arc::clone(&images), stream(3, &["test"]), ahead);
            let made: Vec<_> =
                (0..steps.len()).map(|at| feeder.step(&steps[at], steps.get(at + 1))).collect();
            (made, below(&mut feeder.random, 1 << 20))
        };
        let ((ours, after), (inline, then)) = (fed(true), fed(false));
        assert_eq!(after, then);
        for (ours, inline) in ours.iter().zip(&inline) {
            assert_eq!(ours.keys().collect::<Vec<_>>(), inline.keys().collect::<Vec<_>>());
            for (ours, inline) in ours.values().zip(inline.values()) {
                assert_eq!(ours.images, inline.images);
                assert_eq!(ours.labels(), inline.labels());
            }
        }
        assert_eq!(ours[2].len(), 2);
    }
}
