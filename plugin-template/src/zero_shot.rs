//! A zero-shot estimator: scores an untrained network on one batch of images.

use osee_sdk::prelude::*;

osee_sdk::export! { zero_shot: {{project-name | upper_camel_case}} }

pub struct {{project-name | upper_camel_case}} {
    floor: f64,
}

impl ZeroShot for {{project-name | upper_camel_case}} {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("{{crate_name}}", "1")
            .summary("sum over layers of log(floor + ||g||)")
            .citation("this work")
            .setting(SettingSpec::new("floor", 1e-6, "added to every norm").at_least(0.0))
    }

    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { floor: settings.get("floor")? })
    }

    // A measurement such as this is computed once for all estimators. For anything
    // else, `network.forward` and `network.trainable` work with tch's autograd.
    // `sum_over` reads all layers from the device at once; a GPU is waited for at each
    // reading.
    fn score(&self, network: &Network) -> Result<f64> {
        sum_over(network.weight_gradients()?, |layer| {
            layer.gradient.f_norm()?.f_to_kind(Kind::Double)?.f_add_scalar(self.floor)?.f_log()
        })
    }
}
