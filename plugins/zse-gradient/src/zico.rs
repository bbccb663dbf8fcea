//! ZiCo: mean over deviation of the gradients of several batches.

use osee_sdk::prelude::*;

/// Scores by how large gradients are beside how much they vary from batch to batch.
pub struct Zico {
    parts: u32,
}

impl ZeroShot for Zico {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("zico", "1")
            .group(Group::Fast)
            .summary("sum over layers of log sum of mean|g| / deviation(g) over parts of the batch")
            .citation("Li et al., ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients, ICLR 2023")
            .settings(Draws::NOTHING.settings())
            .setting(
                SettingSpec::new("batches", 2, "equal parts of the batch that serve as batches")
                    .in_range(2..=64),
            )
    }
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { parts: settings.get::<i64>("batches")? as u32 })
    }
    fn score(&self, network: &Network) -> Result<f64> {
        let part = |index| Variation::default().images(Images::Part { index, of: self.parts });
        let networks: Vec<Network> = (0..self.parts).map(|i| network.varied(part(i))).collect();
        let parts: Vec<_> =
            networks.iter().map(Network::weight_gradients).collect::<Result<_>>()?;
        let layers = parts.iter().map(Vec::len).min().unwrap_or(0);
        let sums: Vec<Tensor> = (0..layers)
            .map(|layer| {
                let gradients: Vec<&Tensor> = parts.iter().map(|it| &it[layer].gradient).collect();
                inverse_variation(&gradients)
            })
            .collect::<Result<_>>()?;
        let sums = numbers(&sums)?.into_iter();
        Ok(sums.filter(|sum| *sum != 0.0).map(f64::ln).sum())
    }
}

/// Sum over entries of mean |g| / deviation of g, where g varies; its entries are those of one
/// layer, batch by batch.
fn inverse_variation(gradients: &[&Tensor]) -> Result<Tensor> {
    let gradients = Tensor::f_stack(gradients, 0)?;
    let over_batches = [0i64];
    let size = gradients.f_abs()?.f_mean_dim(over_batches.as_slice(), false, None)?;
    let deviation = gradients.f_std_dim(over_batches.as_slice(), false, false)?;
    let ratio = size.f_div(&deviation)?;
    Ok(ratio.f_masked_fill(&deviation.f_eq(0.0)?, 0.0)?.f_sum(Kind::Double)?)
}
