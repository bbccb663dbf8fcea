//! Estimators on the gradient with respect to the images.

use osee_sdk::{prelude::*, tch::Device};

/// Scores by the correlation of input gradients between images.
pub struct JacobCov;

impl ZeroShot for JacobCov {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("jacob_cov", "1")
            .group(Group::Classic)
            .summary("-sum of log(l + k) + 1/(l + k), l the eigenvalues of the input gradients' correlations")
            .citation("Mellor et al., Neural Architecture Search without Training (v1), 2020")
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        const K: f64 = 1e-5;
        // What is left to do is little, and done faster on the CPU.
        let gradient = network.input_gradient()?.f_to_device(Device::Cpu)?;
        let rows = gradient.f_to_kind(Kind::Double)?.f_flatten(1, -1)?;
        let correlation = rows.f_corrcoef()?;
        if !bool::try_from(correlation.f_isfinite()?.f_all()?)? {
            return Err(Error::undefined(
                "an image's input gradient is constant, so it has no correlation",
            ));
        }
        // Eigenvalues are at least 0 up to rounding.
        let eigenvalues = correlation.f_linalg_eigvalsh("L")?.f_clamp_min(0.0)? + K;
        let terms = eigenvalues.f_log()?.f_add(&eigenvalues.f_reciprocal()?)?;
        Ok(-terms.f_sum(Kind::Double)?.f_double_value(&[])?)
    }
}

/// Scores by the correlation of input gradients within each class.
pub struct EpeNas;

impl ZeroShot for EpeNas {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("epe_nas", "1")
            .group(Group::Fast)
            .summary("sums of log correlations of input gradients within each class, compared")
            .citation("Lopes et al., EPE-NAS: Efficient Performance Estimation Without Training for NAS, ICANN 2021")
            .settings(Draws::NOTHING.settings())
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        /// Up to so many classes the sums are added, and beyond they are compared.
        const ADDED: i64 = 100;
        let graph = network.graph()?;
        let classes = graph.node(graph.output).shape.channels() as i64;
        let gradient = network.input_gradient()?.f_to_device(Device::Cpu)?;
        let rows = gradient.f_to_kind(Kind::Double)?.f_flatten(1, -1)?;
        let labels = network.batch()?.labels.f_to_device(Device::Cpu)?;
        let mut sums = Vec::new();
        for label in 0..classes {
            let members = labels.f_eq(label)?.f_nonzero()?.f_flatten(0, -1)?;
            let count = members.size()[0];
            // With many classes the original loses those of one image.
            if count == 0 || count == 1 && classes > ADDED {
                continue;
            }
            let correlation = rows.f_index_select(0, &members)?.f_corrcoef()?;
            let terms = correlation.f_abs()?.f_add_scalar(1e-5)?.f_log()?;
            let sum = terms.f_sum(Kind::Double)?.f_double_value(&[])?;
            sums.push(if classes > ADDED { sum / count as f64 } else { sum });
        }
        if !sums.iter().all(|sum| sum.is_finite()) {
            return Err(Error::undefined(
                "an image's input gradient is constant, so it has no correlation",
            ));
        }
        match classes > ADDED {
            false => Ok(sums.iter().map(|sum| sum.abs()).sum()),
            true if sums.is_empty() => {
                Err(Error::undefined("no class has two images, so there is nothing to compare"))
            }
            true => {
                let differences = sums.iter().flat_map(|a| sums.iter().map(move |b| (a - b).abs()));
                Ok(differences.sum::<f64>() / sums.len() as f64)
            }
        }
    }
}
