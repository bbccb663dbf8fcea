//! Compares cells, their hash and their networks with results computed by hand.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use osee_sdk::prelude::*;
use space_nb101::{Cell, Nb101, Nb101SubSpace3, SubSpaceCell};
use std::collections::{HashMap, HashSet};

fn standalone() -> Settings {
    Settings::defaults(&Nb101::info().settings)
}

fn one_shot() -> Settings {
    standalone().with("network", "one-shot").with("channels", 16).with("affine", false)
}

fn cell(text: &str) -> Cell {
    text.parse().unwrap()
}

#[test]
fn channels_are_shared_as_the_benchmark_does() {
    // The input goes to two vertices that both feed the output: 10 = 5 + 5 channels.
    let settings = standalone().with("channels", 10).with("modules", 1);
    let graph = Nb101.graph(&cell("0110|0001|0001|0000;conv1x1,conv3x3"), &settings).unwrap();
    let stem = 3 * 10 * 9 + 20;
    let mut params = stem + 40 * 10 + 10;
    for (inputs, channels) in [(10, 10), (10, 20), (20, 40)] {
        let half = channels / 2;
        // Each vertex has a projection, then its own operation.
        params += 2 * (inputs * half + 2 * half);
        params += half * half + 2 * half + half * half * 9 + 2 * half;
    }
    assert_eq!(graph.cost().params, params);
    // Three vertices share 10 channels, and the first takes the remainder.
    let three = cell("01110|00001|00001|00001|00000;conv1x1,conv1x1,conv1x1");
    let graph = Nb101.graph(&three, &settings).unwrap();
    let shape = |vertex: usize| {
        let name = format!("stack1.module0.vertex{vertex}.conv1x1.conv.weight");
        graph.parameters.iter().find(|it| it.name == name).unwrap().stored.clone()
    };
    assert_eq!([shape(1)[0], shape(2)[0], shape(3)[0]], [4, 3, 3]);
}

#[test]
fn isomorphic_cells_have_one_hash_and_loose_ends_do_not_count() {
    let one = cell("0110|0001|0001|0000;conv1x1,conv3x3");
    let other = cell("0110|0001|0001|0000;conv3x3,conv1x1");
    let loose = cell("01110|00001|00001|00000|00000;conv3x3,conv1x1,maxpool3x3");
    let different = cell("0110|0001|0001|0000;conv3x3,conv3x3");
    let hash = |cell: &Cell| Nb101.canonical(cell);
    assert_eq!(hash(&one), hash(&other));
    assert_eq!(hash(&one), hash(&loose));
    assert_ne!(hash(&one), hash(&different));
    assert_eq!(hash(&one).len(), 32);
}

#[test]
fn mistakes_are_named() {
    let wrong = |text: &str| text.parse::<Cell>().unwrap_err().to_string();
    assert!(wrong("01|00;conv3x3").contains("has 2 and 1"));
    assert!(wrong("011|001|000;conv3x4").contains("did you mean `conv3x3`?"));
    assert!(wrong("011|101|000;conv3x3").contains("vertex 1 has an edge to itself or backwards"));
    assert!(wrong("010|000|000;conv3x3").contains("no path leads"));
    assert!(wrong("0111|001|0001|0000;conv3x3,conv3x3").contains("row 1, `001`"));
    let full = "01111|00111|00011|00001|00000;conv1x1,conv1x1,conv1x1";
    assert!(wrong(full).contains("it has 10 edges, more than 9"));
    let canonical = cell("011|001|000;input,conv3x3-bn-relu,output");
    assert_eq!(canonical.to_string(), "011|001|000;conv3x3");
    let outside = "0110|0001|0001|0000;conv1x1,conv3x3".parse::<SubSpaceCell>().unwrap_err();
    assert!(outside.to_string().contains("[1, 1, 2] inputs, not [1, 1, 1, 2, 2, 2]"), "{outside}");
}

#[test]
fn a_cell_is_read_as_the_benchmarks_own_code_writes_it() {
    let own = cell("0110|0001|0001|0000;conv1x1,maxpool3x3");
    let matrix = "[[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]";
    let ops = "['input', 'conv1x1-bn-relu', 'maxpool3x3', 'output']";
    for text in [
        format!("ModelSpec(matrix={matrix}, ops={ops})"),
        format!("spec = api.ModelSpec(\n    matrix=np.array({matrix}),\n    ops={ops},\n)"),
        format!("ModelSpec(matrix=np.array({matrix}, dtype=np.int8), ops={ops})"),
        format!("module_adjacency=array({matrix}), module_operations={ops}"),
        format!("{matrix}, {ops}"),
        format!("({matrix}, {ops})"),
        format!("{matrix};{ops}"),
        format!("0110|0001|0001|0000;{ops}"),
        format!("({}, {ops})", matrix.replace('1', "1.").replace('0', "0.")),
        "0110|0001|0001|0000; conv1x1-bn-relu, maxpool3x3,".to_owned(),
    ] {
        assert_eq!(text.parse::<Cell>().unwrap_or_else(|error| panic!("{error}")), own, "{text}");
    }
    let wrong = |text: &str| text.parse::<Cell>().unwrap_err().to_string();
    for (text, what) in [
        (format!("ModelSpec(matrix={matrix})"), "it has no `ops=[..]`"),
        (format!("ModelSpec(matrix={matrix}, ops={ops}, ops={ops})"), "`ops` is given twice"),
        (
            format!("{}, {ops}", matrix.replacen('1', "2", 1)),
            "column 6: expected 0 or 1, found `2`",
        ),
        (
            format!("{}, {ops}", matrix.replacen("0, ", "", 1)),
            "column 2: row 0 is not 4 times 0 or 1",
        ),
        (format!("{matrix}, {ops} x"), "expected the end, found `x`"),
        (matrix.to_string(), "expected a matrix and a list of operations"),
        (
            format!("{matrix}, {}", ops.replace("'maxpool3x3'", "3")),
            "the name of an operation, found `3`",
        ),
        // The ends are named `input` and `output`.
        (
            "0110|0001|0001|0000;conv1x1,input,conv1x1".to_owned(),
            "column 29: unknown operation `input`",
        ),
        ("0110|0001|0001|0000;conv1x1,,conv1x1".to_owned(), "column 29: unknown operation ``"),
        ("0110|0001|0001|0000".to_owned(), "column 20: expected `;` and operations, found the end"),
        (format!("{}, []", "[[0],".repeat(500)), "lists nested more than"),
    ] {
        assert!(wrong(&text).contains(what), "{}", wrong(&text));
    }
    let spec = format!("ModelSpec(matrix={matrix}, ops={ops})");
    osee_testkit::notation::<Nb101>(&[&spec]).unwrap();
    osee_testkit::notation::<Nb101SubSpace3>(&[]).unwrap();
}

#[test]
fn the_sub_space_is_numbered_and_mutations_stay_in_it() {
    assert_eq!(SubSpaceCell::COUNT, 1_312_200);
    let mut seen = HashSet::new();
    for index in (0..SubSpaceCell::COUNT).step_by(1009) {
        let cell = Nb101SubSpace3.architecture(index).unwrap();
        assert_eq!(cell.to_string().parse::<SubSpaceCell>().unwrap(), cell);
        assert!(seen.insert(cell.to_string()));
    }
    let cell = Nb101SubSpace3.architecture(777_777).unwrap();
    let mutations = Nb101SubSpace3.mutations(&cell);
    assert_eq!(mutations.len(), 5 * 2 + 1 + 2 + 5 + 9 + 14);
    let mut decisions: HashMap<&str, usize> = HashMap::new();
    for mutation in &mutations {
        mutation.arch.parse::<SubSpaceCell>().unwrap();
        *decisions.entry(&mutation.decision).or_default() += 1;
    }
    assert_eq!(decisions["inputs of vertex 6"], 14);
    // A cell of the whole space gains or loses an edge.
    let small = Nb101.mutations(&self::cell("0110|0001|0001|0000;conv1x1,conv3x3"));
    let edges = small.iter().filter(|it| it.decision.starts_with("edge"));
    assert_eq!((small.len() - edges.clone().count(), edges.count()), (4, 6));
}

#[test]
fn the_one_shot_network_is_shared_by_all_cells() {
    let mut stored: HashMap<String, Vec<usize>> = HashMap::new();
    for index in (0..SubSpaceCell::COUNT).step_by(4001) {
        let cell = Nb101SubSpace3.architecture(index).unwrap();
        let graph = Nb101SubSpace3.graph(&cell, &one_shot()).unwrap();
        graph.validate().unwrap();
        assert_eq!(graph.cells.len(), 9);
        for parameter in graph.parameters {
            let known = stored.entry(parameter.name).or_insert_with(|| parameter.stored.clone());
            assert_eq!(*known, parameter.stored);
        }
    }
    assert_eq!(stored["stack3.module2.vertex5.conv3x3.conv.weight"], [64, 64, 3, 3]);
    assert_eq!(stored["stack1.module0.postprocess.conv.weight"], [16, 80, 1, 1]);
}
