//! Compares the space with the benchmark's published figures and, where the data is
//! available, with its whole table.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../../tests/support/skipped.rs"]
mod skipped;

use osee_sdk::prelude::*;
use space_nb201::{Arch, Nb201};
use std::collections::{BTreeMap, HashMap, HashSet};

fn settings(given: &[(&str, i64)]) -> Settings {
    let given = given.iter().map(|(key, value)| ((*key).to_owned(), Value::Int(*value))).collect();
    Settings::resolve("nb201", &Nb201::info().settings, &given).unwrap()
}

fn cost(arch: &str, given: &[(&str, i64)]) -> (u64, u64) {
    let cost = Nb201.graph(&arch.parse().unwrap(), &settings(given)).unwrap().cost();
    (cost.params, cost.flops())
}

#[test]
fn counts_are_the_published_ones() {
    // Indices 0, 1 and 13714 of the benchmark, as its own API prints them.
    let zero = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+\
                |nor_conv_1x1~0|skip_connect~1|skip_connect~2|";
    let one = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+\
               |skip_connect~0|nor_conv_3x3~1|skip_connect~2|";
    let best = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+\
                |skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|";
    let imagenet16 = [("classes", 120), ("image_size", 16)];
    assert_eq!(cost(zero, &[]), (129_306, 15_647_370));
    assert_eq!(cost(zero, &[("classes", 100)]), (135_156, 15_653_220));
    assert_eq!(cost(zero, &imagenet16), (136_456, 3_919_480));
    assert_eq!(cost(one, &[]), (802_426, 113_951_370));
    assert_eq!(cost(best, &[]), (1_073_466, 153_272_970));
    assert_eq!(cost(best, &imagenet16), (1_080_616, 38_325_880));
}

#[test]
fn there_are_6466_groups_with_4930_functions() {
    let settings = settings(&[("cells", 1), ("channels", 2)]);
    let mut pairs = HashSet::new();
    for index in 0..Arch::COUNT {
        let arch = Nb201.architecture(index).unwrap();
        let print = Nb201.graph(&arch, &settings).unwrap().fingerprint();
        pairs.insert((Nb201.canonical(&arch), print));
    }
    let strings: HashSet<_> = pairs.iter().map(|(string, _)| string).collect();
    let prints: HashSet<_> = pairs.iter().map(|(_, print)| print).collect();
    assert_eq!((pairs.len(), strings.len(), prints.len()), (6466, 6466, 4930));
}

#[test]
fn notation_survives_a_round_trip_and_mistakes_are_named() {
    for index in [0, 1, 777, Arch::COUNT - 1] {
        let arch = Nb201.architecture(index).unwrap();
        assert_eq!(arch.to_string().parse::<Arch>().unwrap(), arch);
    }
    let wrong = |text: &str| text.parse::<Arch>().unwrap_err().to_string();
    let typo = wrong("|nor_conv_3x4~0|+|none~0|none~1|+|none~0|none~1|none~2|");
    assert!(typo.contains("edge 1<-0") && typo.contains("`nor_conv_3x3`"), "{typo}");
    assert!(wrong("|none~0|+|none~0|none~1|").contains("2 nodes"));
    assert!(wrong("|none~1|+|none~0|none~1|+|none~0|none~1|none~2|").contains("node 0"));
    assert!(Nb201.architecture(Arch::COUNT).is_err());
}

#[test]
fn a_list_of_nodes_is_a_cell_and_every_edge_counts() {
    let text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|";
    let arch: Arch = text.parse().unwrap();
    // The form in which the benchmark's own code keeps a genotype.
    let lists = "[(('nor_conv_3x3', 0),), (('none', 0), ('skip_connect', 1)), \
                 (('avg_pool_3x3', 0), ('none', np.int64(1)), ('nor_conv_1x1', 2))]";
    assert_eq!(lists.parse::<Arch>().unwrap(), arch);
    assert_eq!(text.replace('+', " + ").parse::<Arch>().unwrap(), arch);
    let wrong = |text: &str| text.parse::<Arch>().unwrap_err().to_string();
    // Programs number operations differently.
    let numbers = wrong("[3, 0, 1, 4, 0, 2]");
    assert!(numbers.contains("column 1: it has 6 nodes, not 3"), "{numbers}");
    let other = wrong(&lists.replace("('skip_connect', 1)", "('skip_connect', 0)"));
    assert!(other.contains("this edge of node 2 should come from node 1, not from `0`"), "{other}");
    for (from, to, what) in [
        ("~2|", "~2|x", "expected the end, found `x`"),
        ("~2|", "~2", "column 79: expected `|`, found the end"),
        ("~2|", "~02|", "not from `02`"),
        ("~2|", "~2||", "expected the end"),
        ("~2|", "|", "expected `~2` after edge `nor_conv_1x1` of node 3, found `|`"),
        ("+|none~0", "+|", "column 19: expected `~0` after edge `` of node 2, found `|`"),
    ] {
        let text = text.replacen(from, to, 1);
        assert!(wrong(&text).contains(what), "{}", wrong(&text));
    }
    osee_testkit::notation::<Nb201>(&[lists]).unwrap();
}

#[test]
fn a_mutation_changes_the_edge_it_names() {
    let arch = Nb201.architecture(4321).unwrap();
    let mutations = Nb201.mutations(&arch);
    assert_eq!(mutations.iter().map(|m| &m.arch).collect::<HashSet<_>>().len(), 24);
    for mutation in mutations {
        let other: Arch = mutation.arch.parse().unwrap();
        let changed: Vec<_> = arch.edges().zip(other.edges()).filter(|(a, b)| a != b).collect();
        let [(((to, from), old), (_, new))] = changed[..] else { panic!("{mutation:?}") };
        assert_eq!(mutation.decision, format!("edge {to}<-{from}"));
        assert_eq!((mutation.from.as_str(), mutation.to.as_str()), (old.name(), new.name()));
    }
}

#[test]
fn settings_that_make_no_network_are_refused() {
    let given = [("cells".to_owned(), Value::Int(0))].into();
    let error = Settings::resolve("nb201", &Nb201::info().settings, &given).unwrap_err();
    assert_eq!(error.to_string(), "setting `cells` of nb201 must be at least 1, got `0`");
}

#[test]
fn the_whole_table_agrees() {
    let Some(data) = skipped::data() else { return };
    let file = std::fs::File::open(data.join("nb201/nb201_gt.csv.gz")).unwrap();
    let mut table = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    let mut group_of_rep: HashMap<String, String> = HashMap::new();
    let mut reps_of_group: BTreeMap<String, HashSet<String>> = BTreeMap::new();
    let mut rows = 0;
    for row in table.deserialize() {
        let row: HashMap<String, String> = row.unwrap();
        let arch: Arch = row["arch_str"].parse().unwrap();
        assert_eq!(arch.to_string(), row["arch_str"]);
        let (params, flops) = cost(&row["arch_str"], &[]);
        assert_eq!(params.to_string(), row["params_c10"], "{arch}");
        assert_eq!(flops.to_string(), row["flops_c10"], "{arch}");
        let (group, rep) = (arch.canonical(), row["isomorph_rep_index"].clone());
        assert_eq!(group_of_rep.entry(rep.clone()).or_insert_with(|| group.clone()), &group);
        reps_of_group.entry(group).or_default().insert(rep);
        rows += 1;
    }
    assert_eq!((rows, reps_of_group.len()), (15_625, 6466));
    assert!(reps_of_group.values().all(|reps| reps.len() == 1));
}
