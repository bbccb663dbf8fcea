//! What a data set is: images of one size with labels, in an order.

use super::{
    DataError,
    facts::{CHANNELS, Facts},
};
use osee_model::graph::{Graph, Shape};
use std::{fmt::Debug, ops::Range};

impl Facts {
    /// The side that images are made for a network's input.
    ///
    /// # Errors
    /// When they cannot be made such.
    pub fn side_for(&self, input: Shape) -> Result<usize, DataError> {
        match input {
            Shape::Map { channels: CHANNELS, height, width }
                if height == width && height > 0 && self.side.is_multiple_of(height) =>
            {
                Ok(height)
            }
            _ => Err(DataError::Shape { set: *self, input }),
        }
    }

    /// Whether the images suit a network.
    ///
    /// # Errors
    /// Another side, or a label without an output.
    pub fn fits(&self, graph: &Graph) -> Result<(), DataError> {
        self.side_for(graph.input_shape())?;
        match graph.node(graph.output).shape.channels() {
            outputs if outputs < self.classes => Err(DataError::Classes { set: *self, outputs }),
            _ => Ok(()),
        }
    }

    /// Says, of the networks of a study, that they have outputs without a label,
    /// which is no fault.
    pub fn tell_spare_outputs(&self, graph: &Graph) {
        let outputs = graph.node(graph.output).shape.channels();
        if outputs > self.classes {
            tracing::warn!(
                "the networks have {outputs} classes, {} has {}: the others are never right, and count \
                 in losses and parameters",
                self.name,
                self.classes
            );
        }
    }
}

/// The images of a data set, in file order. A record is a label and
/// the pixels, one byte each, channel first.
pub trait DataSet: Debug + Send + Sync {
    /// What it is.
    fn facts(&self) -> &Facts;

    /// How many training images there are.
    fn count(&self) -> usize;

    /// Records of these images, in this order.
    ///
    /// # Errors
    /// When a file cannot be read, or has a label that it cannot have.
    fn records(&self, wanted: &[usize]) -> Result<Vec<Vec<u8>>, DataError>;

    /// Images that supernets are trained on: the first 80%, as the study
    /// splits CIFAR-10.
    fn training(&self) -> Range<usize> {
        0..self.count() * 4 / 5
    }

    /// Images that architectures are judged on: the other 20%.
    fn validation(&self) -> Range<usize> {
        self.training().end..self.count()
    }

    /// Official test images, after the others; none where their files are not
    /// read.
    fn test(&self) -> Range<usize> {
        self.count()..self.count()
    }
}
