//! Zero-shot estimators of how well a network tells the images of a
//! batch apart: by its input gradients, or by which ReLUs fire.

use osee_sdk::{prelude::*, tch::Device};

osee_sdk::export! { zero_shot: JacobCov, ReluLogdet }

/// Scores by the correlation of input gradients between images.
pub struct JacobCov;

impl ZeroShot for JacobCov {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("jacob_cov", "1")
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

/// Scores by how differently the images' ReLUs fire.
pub struct ReluLogdet;

impl ZeroShot for ReluLogdet {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("relu_logdet", "1")
            .summary("log|det K|, K the images' agreement in ReLU signs (naswot)")
            .citation("Mellor et al., Neural Architecture Search without Training, ICML 2021")
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        // So small a matrix is decomposed faster on the CPU.
        let kernel = network.relu_kernel()?.f_to_device(Device::Cpu)?;
        let (_, log_determinant) = kernel.f_slogdet()?;
        let score = log_determinant.f_double_value(&[])?;
        if score.is_finite() {
            Ok(score)
        } else {
            Err(Error::undefined("two images have the same ReLU pattern, so K is singular"))
        }
    }
}
