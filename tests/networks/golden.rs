//! Compares `osee-host score` with scores that independent reference code gave for
//! the same weights and images.

use crate::support;
use std::collections::BTreeMap;

const TOLERANCES: [(&str, f64); 12] = [
    ("loss", 1e-3),
    ("logits_sum_abs", 1e-3),
    ("grad_norm", 1e-3),
    ("plain", 1e-3),
    ("snip", 1e-3),
    ("grasp", 1e-2),
    ("fisher", 1e-3),
    ("l2_norm", 1e-3),
    ("synflow", 1e-3),
    ("synflow_bn", 1e-3),
    ("jacob_cov", 1e-2),
    ("relu_logdet", 1e-3),
];

#[test]
fn all_golden_networks_agree() {
    let Some(data) = support::data() else { return };
    let list = std::fs::read_to_string(data.join("golden/nb201.json")).unwrap();
    let list: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
    assert_eq!(list.len(), 18);
    let mut worst: BTreeMap<&str, f64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for golden in &list {
        let arch = golden["arch"].as_str().unwrap();
        let file = format!("golden/nb201_{:02}.safetensors", golden["id"].as_u64().unwrap());
        let weights = data.join(file);
        let weights = weights.to_str().unwrap();
        let text =
            support::run(&["score", "--arch", arch, "--set", "cells=1", "--weights", weights]);
        let ours: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(ours["params"], golden["trainable_params"]);
        for (name, tolerance) in TOLERANCES {
            let theirs = golden["scores"][name].as_f64();
            let score = ours["scores"].get(name).unwrap_or(&ours[name]).as_f64();
            match (theirs, score) {
                (Some(theirs), Some(score)) => {
                    let error = (score - theirs).abs() / theirs.abs().max(1e-12);
                    let worst = worst.entry(name).or_default();
                    *worst = worst.max(error);
                    if error > tolerance && theirs != score {
                        wrong.push(format!("{arch} {name}: {score} for {theirs} ({error:.1e})"));
                    }
                }
                // Null in the reference is a typed failure here.
                (None, None) => {
                    let reason = ours["failures"][name].as_str().unwrap_or_default();
                    assert!(reason.starts_with("undefined"), "{arch} {name}: {reason}");
                }
                (theirs, score) => wrong.push(format!("{arch} {name}: {score:?} for {theirs:?}")),
            }
        }
    }
    println!("largest relative difference: {worst:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_option_that_changes_nothing_beside_a_file_of_weights_is_refused() {
    let Some(data) = support::data() else { return };
    let list = std::fs::read_to_string(data.join("golden/nb201.json")).unwrap();
    let list: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
    let file = format!("golden/nb201_{:02}.safetensors", list[0]["id"].as_u64().unwrap());
    let weights = data.join(file);
    let arch = list[0]["arch"].as_str().unwrap();
    let args =
        ["score", "--arch", arch, "--set", "cells=1", "--weights", weights.to_str().unwrap()];
    for (option, value) in [("--data", "digits"), ("--seed", "5"), ("--preset", "naswot")] {
        let (code, said) = support::fail(&[&args[..], &[option, value]].concat());
        let words = format!("{option} has no effect where the file of --weights has `input`");
        assert!(code == 2 && said.contains(&words), "{code} {said}");
    }
}
