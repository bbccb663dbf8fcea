//! A batch of images with labels.

use osee_sdk::{Error, Result};
use tch::{Device, Kind, Reduction, Tensor};

/// Images with labels.
#[derive(Debug)]
pub struct Batch {
    /// Normalised images, `[n, c, h, w]`, f32.
    pub images: Tensor,
    labels: Tensor,
    /// The smallest and the largest label, read where the batch was made: on a GPU each
    /// reading waits for all work, and a label without an output ends the process.
    range: Option<(i64, i64)>,
}

impl Batch {
    /// A batch of `images`, `[n, c, h, w]`, f32, with their class indices, `[n]`, i64. It is
    /// best made on the CPU and then moved by [`on`](Self::on).
    ///
    /// # Errors
    /// When the labels are not of that kind and shape.
    pub fn new(images: Tensor, labels: Tensor) -> Result<Self> {
        if labels.size() != images.size()[..1] || labels.kind() != Kind::Int64 {
            return Err(Error::new(format!(
                "{} images need as many int64 labels; there are {:?} of {:?}",
                images.size()[0],
                labels.size(),
                labels.kind()
            )));
        }
        let all = Vec::<i64>::try_from(&labels)?;
        let range = all.iter().min().copied().zip(all.iter().max().copied());
        Ok(Self { images, labels, range })
    }

    /// Class indices, `[n]`, i64.
    pub fn labels(&self) -> &Tensor {
        &self.labels
    }

    /// The same batch, sharing memory.
    pub fn share(&self) -> Self {
        self.with_images(self.images.shallow_clone())
    }

    /// The same labels with images in another layout or with autograd.
    pub(crate) fn with_images(&self, images: Tensor) -> Self {
        Self { images, labels: self.labels.shallow_clone(), range: self.range }
    }

    /// The images and labels from `start` on, `count` of them, without autograd.
    ///
    /// # Errors
    /// When the batch is too small.
    pub(crate) fn slice(&self, start: i64, count: i64) -> Result<Self> {
        let images = self.images.detach().f_narrow(0, start, count)?;
        let labels = self.labels.f_narrow(0, start, count)?;
        Ok(Self { images, labels, range: self.range })
    }

    /// The images and labels in reverse order, without autograd.
    ///
    /// # Errors
    /// When there is no memory for them.
    pub(crate) fn reversed(&self) -> Result<Self> {
        let images = self.images.detach().f_flip([0i64])?;
        Ok(Self { images, labels: self.labels.f_flip([0i64])?, range: self.range })
    }

    /// The same batch on another device.
    #[must_use]
    pub fn on(&self, device: Device) -> Self {
        let labels = self.labels.to_device(device);
        Self { images: self.images.to_device(device), labels, range: self.range }
    }

    /// # Errors
    /// When a network with `classes` outputs has none for some label.
    pub(crate) fn check_labels(&self, classes: i64) -> Result<()> {
        match self.range {
            Some((smallest, _)) if smallest < 0 => Err(Error::new(format!(
                "a label is {smallest}, so there is no loss; labels are numbered from 0"
            ))),
            Some((_, largest)) if largest >= classes => Err(Error::new(format!(
                "the network has {classes} outputs and a label is {largest}, so there is no loss; \
                 set `classes` of the space to more"
            ))),
            _ => Ok(()),
        }
    }

    /// Mean cross-entropy of `logits`, `[n, classes]`.
    ///
    /// # Errors
    /// When the network has no output for some label.
    pub(crate) fn cross_entropy(&self, logits: &Tensor) -> Result<Tensor> {
        self.check_labels(logits.size()[1])?;
        let none: Option<&Tensor> = None;
        Ok(logits.f_cross_entropy_loss(&self.labels, none, Reduction::Mean, -100, 0.0)?)
    }

    /// The share of images whose highest logit is that of their label, f64.
    pub(crate) fn accuracy(&self, logits: &Tensor) -> Result<Tensor> {
        let right = logits.f_argmax(1, false)?.f_eq_tensor(&self.labels)?;
        Ok(right.f_to_kind(Kind::Double)?.f_mean(Kind::Double)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_device::device;

    fn batch(labels: &[i64]) -> Result<Batch> {
        let images = Tensor::zeros([labels.len() as i64, 3, 2, 2], (Kind::Float, Device::Cpu));
        Batch::new(images, Tensor::from_slice(labels))
    }

    #[test]
    fn labels_without_an_output_are_refused_at_both_ends() {
        let device = device();
        let logits = Tensor::zeros([2, 3], (Kind::Float, device));
        let said = |labels: &[i64]| match batch(labels).unwrap().on(device).cross_entropy(&logits) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        assert_eq!(said(&[0, 2]), "");
        assert!(said(&[3, 0]).contains("3 outputs and a label is 3"));
        // -100 is torch's mark for what it ignores.
        for label in [-1, -100] {
            assert!(said(&[0, label]).contains(&format!("a label is {label}")));
        }
    }

    #[test]
    fn labels_are_as_many_as_images_and_whole_numbers() {
        let images = || Tensor::zeros([2, 3, 2, 2], (Kind::Float, Device::Cpu));
        assert!(Batch::new(images(), Tensor::from_slice(&[0i64])).is_err());
        assert!(Batch::new(images(), Tensor::from_slice(&[0.0f32, 1.0])).is_err());
    }
}
