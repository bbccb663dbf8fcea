//! How often a GPU would be asked to work, and waited for, to score one network. A GPU computes
//! small networks faster than a host can ask it to, so these numbers are their time. The bounds
//! are what the code needs; whoever needs less lowers them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use osee_engine::pass_times::PASSES;
use osee_fake_device::{Counts, counts, operations, reset};
use osee_testkit::Library;
use support::{ARCH, Size, weights};

/// As the paper scores them.
const SIZE: Size = Size { channels: 16, cells: 5, side: 32, images: 64 };

/// What is done, in order, with the most operations and synchronisations that it may take.
/// Measurements are shared, so an estimator's numbers are those of its own arithmetic.
const BUDGET: [(&str, i64, i64); 20] = [
    ("set-up", 0, 0),
    ("logits", 160, 0),
    ("loss", 2, 0),
    ("loss_gradients", 167, 0),
    ("input_gradient", 162, 0),
    ("relu_kernel", 11, 0),
    ("weight_hessian_gradient", 1520, 1),
    ("synaptic_flow", 256, 0),
    ("synaptic_flow_bn", 326, 0),
    ("grad_norm", 41, 1),
    ("plain", 4, 1),
    ("snip", 5, 1),
    ("grasp", 0, 0),
    ("fisher", 191, 1),
    ("l2_norm", 41, 1),
    ("synflow", 5, 1),
    ("synflow_bn", 5, 1),
    ("jacob_cov", 0, 1),
    ("relu_logdet", 0, 1),
    ("sum", 2890, 10),
];

/// The bundled zero-shot estimators, by plugin.
const ESTIMATORS: [(&str, &[&str]); 3] = [
    ("zse_gradient", &["grad_norm", "plain", "snip", "grasp", "fisher", "l2_norm"]),
    ("zse_synflow", &["synflow", "synflow_bn"]),
    ("zse_activation", &["jacob_cov", "relu_logdet"]),
];

#[test]
fn a_network_is_scored_within_its_budget() {
    let device = osee_fake_device::install();
    let graph = SIZE.graph(ARCH, 0.0);
    let parameters = weights(&graph, 1);
    let batch = SIZE.batch(1, device);
    let mut spent: Vec<(&str, Counts)> = Vec::new();
    reset();
    let network = support::network(graph, &parameters, batch);
    spent.push(("set-up", counts()));
    for what in PASSES {
        reset();
        network.measure(what.clone()).unwrap();
        spent.push((what.name(), counts()));
        let most: Vec<String> =
            operations().iter().take(8).map(|(name, count)| format!("{count} {name}")).collect();
        println!("{}: {}", what.name(), most.join(", "));
    }
    for (plugin, ids) in ESTIMATORS {
        let library = Library::of_crate(plugin).unwrap();
        for id in ids {
            let estimator = library.zero_shot(id).unwrap();
            reset();
            let score = estimator.score(network.handle(1)).unwrap();
            assert!(score.is_finite(), "{id}: {score}");
            spent.push((id, counts()));
        }
    }
    let mut sum = Counts::default();
    for (_, one) in &spent {
        sum.operations += one.operations;
        sum.copies_to_device += one.copies_to_device;
        sum.copies_to_host += one.copies_to_host;
        sum.scalar_reads += one.scalar_reads;
    }
    spent.push(("sum", sum));

    println!("{:24} {:>10} {:>16} {:>11}", "", "operations", "synchronisations", "to device");
    for (what, counts) in &spent {
        let (operations, waits) = (counts.operations, counts.synchronisations());
        println!("{what:24} {operations:>10} {waits:>16} {:>11}", counts.copies_to_device);
    }
    assert_eq!(spent.len(), BUDGET.len());
    for ((what, counts), (name, operations, waits)) in spent.iter().zip(BUDGET) {
        assert_eq!(*what, name);
        let fits = counts.operations <= operations && counts.synchronisations() <= waits;
        assert!(fits, "{what} takes {counts}; its budget is {operations} and {waits}");
    }
}
