//! What estimators of 2021 to 2025 make of degenerate networks: those that pass nothing on, whose
//! cells change nothing, or whose maps have one pixel; and of classes with one image.

use crate::support;
use serde_json::Value;
use std::collections::BTreeMap;

const CONVOLUTIONS: &str = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|nor_conv_1x1~0|nor_conv_3x3~1|nor_conv_3x3~2|";
const NO_PATH: &str = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|";
const IDENTITY: &str = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|";

/// The scores of a small network, and the failures of those that have none.
fn scored(
    arch: &str,
    (estimators, settings): (&str, &[&str]),
) -> (BTreeMap<String, Option<f64>>, BTreeMap<String, String>) {
    let mut args = vec!["score", "--arch", arch, "--estimators", estimators];
    for setting in ["channels=8", "cells=1"].iter().chain(settings) {
        args.extend(["--set", setting]);
    }
    let document: Value = serde_json::from_str(&support::run(&args)).unwrap();
    let of = |key: &str| document[key].as_object().unwrap().clone().into_iter();
    let scores = of("scores").map(|(name, score)| (name, score.as_f64())).collect();
    let failures = of("failures").map(|(name, why)| (name, why.as_str().unwrap().to_owned()));
    (scores, failures.collect())
}

#[track_caller]
fn assert_undefined(failures: &BTreeMap<String, String>, names: &[&str]) {
    assert!(failures.keys().eq(names), "{failures:?}");
    assert!(failures.values().all(|why| why.starts_with("undefined: ")), "{failures:?}");
}

#[test]
fn a_network_without_a_path_tells_no_images_apart() {
    let (scores, failures) = scored(NO_PATH, ("fast,slow", &["image_size=8"]));
    assert_undefined(
        &failures,
        &[
            "az_expressivity",
            "az_progressivity",
            "az_trainability",
            "entropy",
            "epe_nas",
            "ntk_cond",
            "wrcor",
            "zen",
        ],
    );
    for name in ["gradsign_sum", "gradsign_mean", "zico", "logsynflow", "skip_count", "conv_depth"]
    {
        assert_eq!(scores[name], Some(0.0), "{name}");
    }
    // All images have one pattern of ReLUs.
    assert_eq!((scores["swap"], scores["linear_regions"]), (Some(1.0), Some(1.0)));
    assert!(scores["vkdnw"].unwrap() >= scores["vkdnw_dim"].unwrap());
}

#[test]
fn cells_that_change_nothing_make_no_progress() {
    let (scores, failures) = scored(IDENTITY, ("fast", &["image_size=8"]));
    assert_undefined(&failures, &["az_trainability"]);
    assert!(failures["az_trainability"].contains("minus infinity"), "{failures:?}");
    assert_eq!(scores["az_progressivity"], Some(0.0));
}

#[test]
fn a_single_pixel_has_no_variance() {
    let (scores, failures) = scored(CONVOLUTIONS, ("fast", &["image_size=4"]));
    assert_undefined(&failures, &["gradsign_mean", "gradsign_sum"]);
    assert!(scores["zico"].unwrap() > 0.0 && scores["az_trainability"].is_some());
}

#[test]
fn classes_with_one_image_or_none_are_left_out() {
    // With over 100 classes most have at most one of the images.
    let (scores, failures) = scored(CONVOLUTIONS, ("fast", &["image_size=8", "classes=120"]));
    assert_undefined(&failures, &[]);
    assert!(scores["epe_nas"].unwrap() > 0.0);
    let (scores, failures) = scored(CONVOLUTIONS, ("fast", &["image_size=8", "classes=1"]));
    // There is nothing to learn, so there is no gradient.
    assert_undefined(&failures, &[]);
    assert_eq!(scores["gradsign_sum"], Some(0.0));
}
