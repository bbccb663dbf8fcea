//! Compares the networks with counts done by hand, and tests the notation.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use osee_sdk::prelude::*;
use space_nb301::{Arch, Nb301};
use std::collections::{HashMap, HashSet};

fn defaults() -> Settings {
    Settings::defaults(&Nb301::info().settings)
}

/// An architecture with this operation on all eight edges, inputs 0 and 1 throughout.
fn plain(op: &str) -> Arch {
    let edges = [0, 1].repeat(4).into_iter().map(|from| format!("('{op}', {from})"));
    let edges = edges.collect::<Vec<_>>().join(", ");
    format!("Genotype(normal=[{edges}], reduce=[{edges}])").parse().unwrap()
}

#[test]
fn counts_are_those_done_by_hand() {
    // Only poolings: the parameters are those of stem, two preprocessings and classifier.
    let settings = defaults().with("layers", 1).with("channels", 4);
    let one = |op: &str| Nb301.graph(&plain(op), &settings.clone().with("layers", 1)).unwrap();
    // With one layer, the layer at 0 = 1 / 3 reduces, so there are 8 channels.
    let base = (3 * 12 * 9 + 24) + 2 * (12 * 8 + 16) + (32 * 10 + 10);
    assert_eq!(one("avg_pool_3x3").cost().params, base);
    // 8 x 3 x 3, 8 x 8 and a normalisation, twice on each of eight edges.
    let separable = 8 * 9 + 64 + 16;
    assert_eq!(one("sep_conv_3x3").cost().params, base + 8 * 2 * separable);
    assert_eq!(one("dil_conv_5x5").cost().params, base + 8 * (8 * 25 + 64 + 16));
    // A skip with a stride is a factorised reduction.
    assert_eq!(one("skip_connect").cost().params, base + 8 * (2 * 8 * 4 + 16));
}

#[test]
fn reductions_are_at_a_third_and_two_thirds() {
    let graph = Nb301.graph(&plain("skip_connect"), &defaults()).unwrap();
    let outputs: Vec<String> =
        graph.cells.iter().map(|cell| graph.node(cell.output).shape.to_string()).collect();
    assert_eq!(outputs[1], "[64, 32, 32]");
    assert_eq!((outputs[2].as_str(), outputs[4].as_str()), ("[128, 16, 16]", "[128, 16, 16]"));
    assert_eq!((outputs[5].as_str(), outputs[7].as_str()), ("[256, 8, 8]", "[256, 8, 8]"));
}

#[test]
fn both_notations_are_one_genotype() {
    let study = "normal_0=[('skip_connect', 0, 2), ('sep_conv_3x3', 1, 2), ('sep_conv_5x5', 1, 3), \
        ('sep_conv_3x3', 2, 3), ('sep_conv_3x3', 3, 4), ('dil_conv_3x3', 2, 4), \
        ('dil_conv_5x5', 0, 5), ('avg_pool_3x3', 2, 5)],normal_0_concat=(2, 3, 4, 5),\
        reduce_1=[('max_pool_3x3', 0, 2), ('sep_conv_5x5', 1, 2), ('sep_conv_5x5', 0, 3), \
        ('avg_pool_3x3', 1, 3), ('avg_pool_3x3', 1, 4), ('sep_conv_3x3', 3, 4), \
        ('dil_conv_5x5', 0, 5), ('avg_pool_3x3', 4, 5)],reduce_1_concat=(2, 3, 4, 5)";
    let arch: Arch = study.parse().unwrap();
    let own = arch.to_string();
    assert!(
        own.starts_with("Genotype(normal=[('skip_connect', 0), ('sep_conv_3x3', 1), "),
        "{own}"
    );
    assert_eq!(own.parse::<Arch>().unwrap(), arch);
    let ranges = own.replace("[2, 3, 4, 5]", "range(2, 6)");
    assert_eq!(ranges.parse::<Arch>().unwrap(), arch);
    // The two edges of a node may come in either order.
    let swapped = own.replacen(
        "('skip_connect', 0), ('sep_conv_3x3', 1)",
        "('sep_conv_3x3', 1), ('skip_connect', 0)",
        1,
    );
    let swapped: Arch = swapped.parse().unwrap();
    assert_ne!(swapped, arch);
    assert_eq!(Nb301.canonical(&swapped), Nb301.canonical(&arch));
}

#[test]
fn mistakes_are_named() {
    let good = plain("skip_connect").to_string();
    let wrong = |text: &str| text.parse::<Arch>().unwrap_err().to_string();
    let typo = wrong(&good.replacen("skip_connect", "skip_conect", 1));
    assert!(typo.contains("normal cell: edge 0") && typo.contains("`skip_connect`?"), "{typo}");
    let none = wrong(&good.replacen("skip_connect", "none", 1));
    assert!(none.contains("unknown operation `none`"), "{none}");
    let forward = wrong(&good.replacen("('skip_connect', 1)", "('skip_connect', 2)", 1));
    assert!(forward.contains("edge 1 of node 2 cannot come from `2`"), "{forward}");
    let twice = wrong(&good.replacen("('skip_connect', 1)", "('skip_connect', 0)", 1));
    assert!(twice.contains("node 2 has 0 as both inputs"), "{twice}");
    assert!(wrong("Genotype(normal=[])").contains("it has 0 edges, not 8"));
    assert!(wrong("x").contains("column 1: expected `Genotype(` or `normal=`, found `x`"));
    assert!(wrong("").contains("it has no `normal=[..]`"));
    let concat = wrong(&good.replace("normal_concat=[2, 3, 4, 5]", "normal_concat=[3, 4, 5]"));
    assert!(concat.contains("`normal_concat` must be 2, 3, 4, 5"), "{concat}");
}

#[test]
fn what_python_prints_and_takes_is_read_as_python_means_it() {
    let good = plain("skip_connect").to_string();
    let arch: Arch = good.parse().unwrap();
    let node = "('skip_connect', 0), ('skip_connect', 1)";
    let (flat, per_node) =
        ([node; 4].join(", "), format!("[{}]", vec![format!("[{node}]"); 4].join(", ")));
    for text in [
        good.replace("[2, 3, 4, 5]", "range(2, 6)"),
        good.replace("[2, 3, 4, 5]", "list(range(2, 6))"),
        good.replace("[2, 3, 4, 5]", "(2, 3, 4, 5,)"),
        good.replace("[2, 3, 4, 5]", "[np.int64(2), 3, 4, 5]"),
        good.replace(", 0)", ", np.int64(0))"),
        good.replace('\'', "\""),
        good.replace(", ", ",\n        "),
        good.replace(&format!("[{flat}]"), &per_node),
        good.replace(&format!("[{flat}]"), &format!("[({node}), ({node}), ({node}), ({node}),]")),
        format!("DARTS_V2 = genotypes.{good}"),
        format!("reduce=[{flat}], reduce_concat=range(2, 6), normal=[{flat}]"),
    ] {
        assert_eq!(text.parse::<Arch>().unwrap_or_else(|error| panic!("{error}")), arch, "{text}");
    }
}

#[test]
fn what_would_be_another_network_is_refused_with_its_place() {
    let good = plain("skip_connect").to_string();
    let wrong = |from: &str, to: &str| {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good);
        text.parse::<Arch>().unwrap_err().to_string()
    };
    let range = wrong("normal_concat=[2, 3, 4, 5]", "normal_concat=range(3, 6)");
    assert!(range.contains("`normal_concat` must be 2, 3, 4, 5, not [3, 4, 5]"), "{range}");
    let column = good.find("normal_concat").unwrap() + "normal_concat=".len() + 1;
    assert!(range.contains(&format!("genotype: column {column}: ")), "{range}");
    let twice = wrong(", reduce_concat", ", reduce=[], reduce_concat");
    assert!(twice.contains("`reduce` is given twice"), "{twice}");
    let both = wrong(", reduce_concat", ", normal_0=[], reduce_concat");
    assert!(both.contains("`normal_0` is given twice"), "{both}");
    let unknown = wrong("normal_concat", "normal_conact");
    assert!(unknown.contains("unknown keyword `normal_conact` (did you mean `normal_concat`?)"));
    for (from, to, what) in [
        (
            "('skip_connect', 0)",
            "('skip_connect', 0.0)",
            "expected where the edge comes from, found `0.0`",
        ),
        ("('skip_connect', 0)", "('skip_connect', -1)", "cannot come from `-1`"),
        (
            "('skip_connect', 0)",
            "('skip_connect',)",
            "expected ('op', from) as edge 0, found a list of 1",
        ),
        ("('skip_connect', 0)", "('skip_connect', 0, 3)", "edge 0 should go to node 2, not to `3`"),
        ("('skip_connect', 0), ", "('skip_connect', 0) ", "expected `,` or `]`, found `(`"),
        ("('skip_connect', 0), ", "", "it has 7 edges, not 8"),
        (
            "reduce_concat=[2, 3, 4, 5])",
            "reduce_concat=[2, 3, 4, 5]",
            "expected `,` or `)`, found the end",
        ),
        ("5])", "5]) + 1", "expected the end"),
    ] {
        let wrong = wrong(from, to);
        assert!(wrong.contains(what) && wrong.contains("column "), "{to}: {wrong}");
    }
}

#[test]
fn damaged_genotypes_are_read_or_refused() {
    let concat = plain("sep_conv_3x3").to_string().replace("[2, 3, 4, 5]", "list(range(2, 6))");
    osee_testkit::notation::<Nb301>(&[&concat]).unwrap();
}

#[test]
fn every_number_is_an_architecture_of_its_own() {
    let mut seen = HashSet::new();
    for index in (0..Arch::COUNT).step_by(usize::try_from(Arch::COUNT / 997).unwrap()) {
        let arch = Nb301.architecture(index).unwrap();
        assert_eq!(arch.to_string().parse::<Arch>().unwrap(), arch);
        assert!(seen.insert(arch));
    }
    assert!(Nb301.architecture(Arch::COUNT).is_err());
}

#[test]
fn mutations_change_an_operation_or_an_input() {
    let arch = Nb301.architecture(123_456_789_012_345_678).unwrap();
    let mutations = Nb301.mutations(&arch);
    // Per cell: 8 edges x 6 other operations, and for each edge the inputs that its
    // node does not have: 0, 1, 2, 3 for the four nodes.
    assert_eq!(mutations.len(), 2 * (8 * 6 + 2 * (1 + 2 + 3)));
    let mut decisions: HashMap<&str, usize> = HashMap::new();
    for mutation in &mutations {
        assert_ne!(mutation.arch.parse::<Arch>().unwrap(), arch);
        *decisions.entry(&mutation.decision).or_default() += 1;
    }
    assert_eq!(decisions["reduce node 5 edge 1 input"], 3);
    assert_eq!(decisions["normal node 2 edge 0 operation"], 6);
}

#[test]
fn one_edge_has_the_same_parameters_in_every_genotype_that_has_it() {
    let names = |op: &str| -> HashSet<String> {
        let graph = Nb301.graph(&plain(op), &defaults()).unwrap();
        graph.parameters.into_iter().map(|parameter| parameter.name).collect()
    };
    let (three, five) = (names("sep_conv_3x3"), names("sep_conv_5x5"));
    let shared: HashSet<_> = three.intersection(&five).collect();
    assert!(shared.iter().all(|name| !name.contains("sep_conv")));
    assert!(shared.contains(&"cells.7.preprocess0.conv.weight".to_owned()));
    assert!(three.contains("cells.0.edges.2_0.sep_conv_3x3.1.depthwise.weight"));
}
