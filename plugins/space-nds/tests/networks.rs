//! Compares the networks with counts done by hand, and tests what architectures share.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use osee_sdk::prelude::*;
use space_nds::{Arch, Nds, ResNeXtA, ResNet};
use std::collections::{BTreeMap, HashMap, HashSet};

fn settings(given: &[(&str, Value)]) -> Settings {
    let given: BTreeMap<String, Value> =
        given.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    Settings::resolve("nds", &Nds::<ResNet>::info().settings, &given).unwrap()
}

fn sharing(how: &str) -> Settings {
    settings(&[("sharing", Value::Text(how.to_owned())), ("width_scale", Value::Float(0.25))])
}

#[test]
fn counts_are_those_done_by_hand() {
    // One basic block per stage, 16 wide: the first stage has no projection, the
    // others have a 1x1 projection with stride 2.
    let arch = "ds=[1, 1, 1] ws=[16, 16, 16]".parse().unwrap();
    let stem = 3 * 16 * 9 + 32;
    let block = 2 * (16 * 16 * 9 + 32);
    let projection = 16 * 16 + 32;
    let params = stem + 3 * block + 2 * projection + 16 * 10 + 10;
    let macs = |pixels: u64| 2 * 16 * 16 * 9 * pixels;
    let norms = |pixels: u64| 2 * 16 * pixels;
    let flops = 3 * 16 * 9 * 1024
        + 5 * 16 * 1024
        + macs(1024)
        + macs(256)
        + macs(64)
        + 5 * (norms(1024) + norms(256) + norms(64))
        + (256 + 64) * (16 * 16 + 5 * 16)
        + 170;
    let counts = Nds::<ResNet>::new().benchmark_counts(&arch).unwrap();
    assert_eq!(counts, Counts::default().params(params).flops(flops));
    // A bottleneck of 16 / 4 = 4 channels in 2 groups; its first convolution
    // sees the image before it is halved.
    let arch = "ds=[1, 1, 1] ws=[16, 16, 16] bot_muls=[0.25, 0.25, 0.25] num_gs=[2, 2, 2]"
        .parse()
        .unwrap();
    let block = 16 * 4 + 8 + 4 * 2 * 9 + 8 + 4 * 16 + 32;
    let params = stem + 3 * block + 2 * projection + 170;
    let block = |before: u64, after: u64| {
        before * (64 + 5 * 4) + after * (72 + 5 * 4) + after * (64 + 5 * 16)
    };
    let flops = 3 * 16 * 9 * 1024
        + 5 * 16 * 1024
        + block(1024, 1024)
        + block(1024, 256)
        + block(256, 64)
        + (256 + 64) * (256 + 5 * 16)
        + 170;
    let counts = Nds::<ResNeXtA>::new().benchmark_counts(&arch).unwrap();
    assert_eq!(counts, Counts::default().params(params).flops(flops));
}

#[test]
fn every_number_is_an_architecture_of_its_own_that_survives_writing() {
    assert_eq!(Arch::<ResNet>::count(), 1_259_712);
    assert_eq!(Arch::<ResNeXtA>::count(), 11_390_625);
    let mut seen = HashSet::new();
    for index in (0..Arch::<ResNeXtA>::count()).step_by(104_729) {
        let text = Arch::<ResNeXtA>::from_index(index).unwrap().to_string();
        assert_eq!(text.parse::<Arch<ResNeXtA>>().unwrap().to_string(), text);
        assert!(seen.insert(text));
    }
    assert!(Arch::<ResNet>::from_index(1_259_712).is_none());
    // Numbers as JSON and CSV write them.
    let other: Arch<ResNeXtA> =
        "ds=[1,1,1], ws=[16,16,16], bot_muls=[1, 0.50, .25], num_gs=[1,1,1]".parse().unwrap();
    let own = "ds=[1, 1, 1] ws=[16, 16, 16] bot_muls=[1.0, 0.5, 0.25] num_gs=[1, 1, 1]";
    assert_eq!(other.to_string(), own);
}

#[test]
fn mistakes_are_named() {
    let wrong = |text: &str| text.parse::<Arch<ResNet>>().err().unwrap().to_string();
    assert!(wrong("ds=[1, 1, 5] ws=[16, 16, 16]").contains("depth `5` is not one of 1, 2, 3"));
    assert!(wrong("ds=[1, 1] ws=[16, 16, 16]").contains("`ds` has 2 stages, not 3"));
    assert!(wrong("ds=[1, 1, 1]").contains("`ws=[..]` is missing"));
    assert!(wrong("ds=[1, 1, 1] ws=[16, 16, 16] x").contains("found `x`"));
    let odd = [("sharing".to_owned(), "l2".into())].into();
    let wrong = Settings::resolve("nds", &Nds::<ResNet>::info().settings, &odd).unwrap_err();
    let said = "setting `sharing` of nds must be none, ordinal or l1, got `l2`";
    assert_eq!(wrong.to_string(), said);
}

#[test]
fn lists_are_those_of_python_and_each_is_given_once() {
    let own = "ds=[1, 2, 4] ws=[16, 24, 32]";
    for text in [
        "ws=(16, 24, 32), ds=[1, 2, 4]",
        "ds = [np.int64(1), 2, 4,]\nws = list(range(16, 33, 8))",
        "ds=[1.0, 2, 4] ws=[16, 24, 32]",
    ] {
        assert_eq!(text.parse::<Arch<ResNet>>().unwrap().to_string(), own, "{text}");
    }
    let wrong = |text: &str| text.parse::<Arch<ResNet>>().err().unwrap().to_string();
    for (text, what) in [
        ("ds=[1, 2, 4] ws=[16, 24, 32] ds=[1, 1, 1]", "column 30: `ds` is given twice"),
        ("ds=[1, 2, 4] ws=[16, 24, 32] ss=[1, 2, 2]", "column 30: unknown keyword `ss`"),
        ("ds=[1, 2, 4 ws=[16, 24, 32]", "column 13: expected `,` or `]`, found `ws`"),
        ("ds=[1, '2', 4] ws=[16, 24, 32]", "column 8: expected a number, found `2`"),
        ("ds=[1, 2, -4] ws=[16, 24, 32]", "column 11: depth `-4` is not one of 1, 2, 3"),
        ("ds=3 ws=[16, 24, 32]", "column 4: expected a list of numbers, found `3`"),
        ("ds=range(1, 4000000000) ws=[16, 24, 32]", "column 4: a range of more than 10000 numbers"),
    ] {
        assert!(wrong(text).contains(what), "{}", wrong(text));
    }
    osee_testkit::notation::<Nds<ResNet>>(&["ws=(16, 24, 32), ds=[1, 2, 4]"]).unwrap();
    osee_testkit::notation::<Nds<ResNeXtA>>(&[]).unwrap();
}

#[test]
fn mutations_change_one_named_choice() {
    let arch = Arch::<ResNeXtA>::from_index(9_999_999).unwrap();
    let mutations = Nds::<ResNeXtA>::new().mutations(&arch);
    assert_eq!(mutations.len(), 3 * (4 + 4 + 2 + 2));
    let mut decisions: HashMap<&str, usize> = HashMap::new();
    for mutation in &mutations {
        assert_ne!(mutation.arch, arch.to_string());
        assert_ne!(mutation.from, mutation.to);
        mutation.arch.parse::<Arch<ResNeXtA>>().unwrap();
        *decisions.entry(&mutation.decision).or_default() += 1;
    }
    assert_eq!(decisions.len(), 12);
    assert_eq!(decisions["bottleneck multiplier of stage 2"], 2);
}

#[test]
fn supernets_hold_every_width_depth_and_group() {
    let space = Nds::<ResNeXtA>::new();
    for how in ["ordinal", "l1"] {
        let mut stored: HashMap<String, Vec<usize>> = HashMap::new();
        for index in (0..Arch::<ResNeXtA>::count()).step_by(1_048_573) {
            let graph = space.graph(&space.architecture(index).unwrap(), &sharing(how)).unwrap();
            graph.validate().unwrap();
            for parameter in &graph.parameters {
                let known = stored.entry(parameter.name.clone());
                let known = known.or_insert_with(|| parameter.stored.clone());
                assert_eq!(*known, parameter.stored, "{}", parameter.name);
            }
        }
        // The widest bottleneck has 256 / 4 channels; a group's kernel is part of the dense one.
        assert_eq!(stored["stage2.block0.conv2.weight"], [64, 64, 3, 3]);
        assert!(stored.contains_key("stage1.block15.conv1.weight"));
    }
}

#[test]
fn blocks_are_the_cells_of_the_graph() {
    let arch = "ds=[2, 1, 3] ws=[16, 24, 32]".parse().unwrap();
    let graph = Nds::<ResNet>::new().graph(&arch, &settings(&[])).unwrap();
    let names: Vec<&str> = graph.cells.iter().map(|cell| cell.name.as_str()).collect();
    assert_eq!(names[..3], ["stage1.block0", "stage1.block1", "stage2.block0"]);
    assert_eq!(names.len(), 6);
}
