//! The interface of a data set: images of one size with labels, in a fixed order.

use super::{
    DataError,
    facts::{CHANNELS, Facts},
};
use osee_model::graph::{Graph, Shape};
use std::{fmt::Debug, ops::Range};

impl Facts {
    /// The side, in pixels, to which images are reduced for a network's input.
    ///
    /// # Errors
    /// When the input is not square with three channels, or its side is no divisor of theirs.
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

    /// Checks that the images suit a network.
    ///
    /// # Errors
    /// When the sides do not fit, or the network has fewer outputs than there are classes.
    pub fn fits(&self, graph: &Graph) -> Result<(), DataError> {
        self.side_for(graph.input_shape())?;
        match graph.node(graph.output).shape.channels() {
            outputs if outputs < self.classes => Err(DataError::Classes { set: *self, outputs }),
            _ => Ok(()),
        }
    }

    /// Warns if the networks of a study have outputs that no label uses, which is not an
    /// error.
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

/// A data set whose images have fixed positions, in file order. A record is a label and
/// the pixels, one byte each, channel first.
pub trait DataSet: Debug + Send + Sync {
    /// The facts about the data set that are known without its files.
    fn facts(&self) -> &Facts;

    /// Number of training images, validation images included.
    fn count(&self) -> usize;

    /// Reads the records of these images, in this order.
    ///
    /// # Errors
    /// When a file cannot be read or has an invalid label.
    fn records(&self, wanted: &[usize]) -> Result<Vec<Vec<u8>>, DataError>;

    /// Positions of the images that supernets are trained on: the first 80%, as the paper
    /// splits CIFAR-10.
    fn training(&self) -> Range<usize> {
        0..self.count() * 4 / 5
    }

    /// Positions of the images that sub-networks are scored on: the other 20%.
    fn validation(&self) -> Range<usize> {
        self.training().end..self.count()
    }

    /// Positions of the official test images, after the others; empty where their files
    /// are not read.
    fn test(&self) -> Range<usize> {
        self.count()..self.count()
    }
}
