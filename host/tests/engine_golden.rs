//! The engine against scores that independent reference code gave for the
//! same weights and images.

use osee_core::settings::{Settings, Value};
use osee_host::{
    engine::{Layout, Network, parameters},
    loader::Registry,
};
use osee_sdk::abi::root::Foreign;
use std::{collections::BTreeMap, path::PathBuf};

fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("OSEE_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        Into::into,
    );
    folder.exists().then_some(folder)
}

/// The plugins that cargo built for this test, beside its binary.
fn registry() -> Registry {
    let exe = std::env::current_exe().unwrap();
    // SAFETY: the only test of this process that touches the environment.
    unsafe { std::env::set_var("OSEE_PLUGIN_PATH", exe.parent().unwrap()) };
    Registry::load(&[]).unwrap()
}

const TOLERANCES: [(&str, f64); 10] = [
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
    let Some(data) = data() else {
        println!("skipped: no data");
        return;
    };
    let list = std::fs::read_to_string(data.join("golden/nb201.json")).unwrap();
    let list: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
    assert_eq!(list.len(), 18);
    let registry = registry();
    let space = registry.space("nb201").unwrap();
    let given = [("cells".to_owned(), Value::Int(1))].into();
    let settings = Settings::resolve("nb201", &space.info.settings, &given).unwrap();
    let mut worst: BTreeMap<&str, f64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for golden in &list {
        let arch = golden["arch"].as_str().unwrap();
        let graph = space.functions.graph(arch, &settings).unwrap();
        assert_eq!(graph.cost().params, golden["trainable_params"].as_u64().unwrap());
        let file = format!("golden/nb201_{:02}.safetensors", golden["id"].as_u64().unwrap());
        let (weights, batch) = parameters::from_file(&data.join(file), &graph).unwrap();
        let network = Network::new(graph, weights, batch.unwrap(), Layout::Contiguous).unwrap();
        for (name, tolerance) in TOLERANCES {
            let (plugin, info) = registry.estimator(name).unwrap();
            let settings = Settings::resolve(name, &info.settings, &BTreeMap::new()).unwrap();
            let Foreign::ZeroShot(estimator) = plugin.functions.create(name, &settings).unwrap()
            else {
                panic!("{name} is no zero-shot estimator")
            };
            match (golden["scores"][name].as_f64(), estimator.score(network.handle())) {
                (Some(theirs), Ok(ours)) => {
                    let error = (ours - theirs).abs() / theirs.abs().max(1e-12);
                    let worst = worst.entry(name).or_default();
                    *worst = worst.max(error);
                    if error > tolerance && theirs != ours {
                        wrong.push(format!("{arch} {name}: {ours} for {theirs} ({error:.1e})"));
                    }
                }
                (None, Err(_)) => {}
                (theirs, ours) => wrong.push(format!("{arch} {name}: {ours:?} for {theirs:?}")),
            }
        }
    }
    println!("largest relative difference: {worst:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
