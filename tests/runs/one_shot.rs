//! Supernets end to end: trained, killed, resumed, evaluated, and in every
//! variant of the paper.

use crate::support;
use crate::support::training::study;
use osee_core::{
    analysis::Observation,
    store::{Evaluated, Store},
};
use osee_model::evaluation::BatchResult;
use osee_testkit::Library;
use std::{collections::HashMap, fs, path::Path, thread, time::Duration};

fn run(command: &str, study: &Path, out: &Path) -> String {
    support::run(&[command, "--study", study.to_str().unwrap(), "--out", out.to_str().unwrap()])
}

/// The scores of a run by row, then by architecture index and seed.
fn scores(store: &Store) -> HashMap<String, HashMap<(usize, u64), f64>> {
    let rows = store.rows().unwrap().into_iter();
    rows.map(|(id, key)| {
        let scores = store.scores(id).unwrap().into_iter();
        let of_one = |score: osee_core::store::Score| {
            ((score.arch_index, score.seed), score.outcome.unwrap_or_else(|f| panic!("{f}")))
        };
        (key.name, scores.map(of_one).collect())
    })
    .collect()
}

fn mean_loss(batches: &[BatchResult]) -> f64 {
    batches.iter().map(|batch| batch.loss).sum::<f64>() / batches.len() as f64
}

/// The name and contents of every checkpoint.
fn checkpoints(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for folder in fs::read_dir(run.join("supernets")).unwrap().flatten() {
        for file in fs::read_dir(folder.path()).unwrap().flatten() {
            let name = format!("{:?}/{:?}", folder.file_name(), file.file_name());
            files.push((name, fs::read(file.path()).unwrap()));
        }
    }
    files.sort();
    files
}

const VARIANTS: &str = r#"
[[estimators]]
id = "one_shot"
name = "loss"
[[estimators]]
id = "one_shot"
name = "accuracy"
settings = { score = "accuracy" }
[[estimators]]
id = "one_shot"
name = "first_two"
settings = { batches = 2 }
[[estimators]]
id = "one_shot"
name = "post_deiso"
settings = { isomorphic = true }
[[estimators]]
id = "one_shot"
name = "temporal"
settings = { checkpoints = 3 }
[[estimators]]
id = "one_shot"
name = "trend"
trend = true
[[estimators]]
id = "one_shot"
name = "start"
epoch = 0
[[estimators]]
id = "one_shot"
name = "fair"
settings = { sampler = "fair" }
[[estimators]]
id = "one_shot"
name = "three_samples"
settings = { samples = 3, sampler = "uniform" }
[[estimators]]
id = "one_shot"
name = "without_pooling"
settings = { without = "avg_pool_3x3" }
[[estimators]]
id = "one_shot"
name = "affine"
training = { epochs = 2, space = { affine = true } }
[[estimators]]
id = "one_shot"
name = "pruned"
settings = { keep = 0.001, keep_after = 1, without = "none,skip_connect,avg_pool_3x3" }
training = { cutout = 8, schedule = { kind = "plateau", factor = 0.5, patience = 1 } }
[[estimators]]
id = "one_shot_controller"
name = "controller"
settings = { population = 4, tournament = 2, update_every = 2, warm_up = 1 }
[[estimators]]
id = "synflow"
name = "synflow_trained"
supernet = "loss"
[[estimators]]
id = "synflow"
name = "synflow_at_start"
supernet = "start"
[[estimators]]
id = "synflow"
name = "synflow_of_mean"
supernet = "temporal"
[[estimators]]
id = "grad_norm"
name = "grad_norm_at_start"
supernet = "loss"
epoch = 0
[[estimators]]
id = "params"
"#;

#[test]
fn every_variant_is_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let file = study(folder.path(), VARIANTS);
    run("run", &file, &out);
    let store = Store::open(&out).unwrap();
    let plan = store.architectures().unwrap();
    let scores = scores(&store);
    assert_eq!(scores.len(), 17 + 4, "{:?}", scores.keys());

    // The evaluations, by epochs and seed, of the supernet that most rows share.
    let key = store.evaluations(&plan[0]).unwrap();
    let shared = key.iter().find(|one| one.epochs == [2, 3, 4]).unwrap().supernet.clone();
    let batches = |arch: &str, seed: u64, epochs: &[u32]| -> Vec<BatchResult> {
        let all = store.evaluations(arch).unwrap();
        let same =
            |one: &&Evaluated| one.supernet == shared && one.seed == seed && one.epochs == epochs;
        all.iter().find(same).unwrap().batches.clone()
    };
    let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
    for (at, arch) in plan.iter().enumerate() {
        for seed in [1, 2] {
            let last = batches(arch, seed, &[4]);
            assert_eq!(last.len(), 3);
            let of = |row: &str| scores[row][&(at, seed)];
            assert!(close(of("loss"), -mean_loss(&last)));
            let correct: u32 = last.iter().map(|batch| batch.correct).sum();
            assert!(close(of("accuracy"), f64::from(correct) / 96.0));
            assert!(close(of("first_two"), -mean_loss(&last[..2])));
            assert!(close(of("temporal"), -mean_loss(&batches(arch, seed, &[2, 3, 4]))));
            for epoch in 1..=4 {
                let expected = -mean_loss(&batches(arch, seed, &[epoch]));
                assert!(close(of(&format!("trend@{epoch}")), expected));
            }
            assert!(close(of("start"), -mean_loss(&batches(arch, seed, &[0]))));
        }
    }
    // Seeds differ, and training has an effect.
    assert_ne!(scores["loss"][&(0, 1)], scores["loss"][&(0, 2)]);
    assert_ne!(scores["loss"], scores["start"]);
    assert_ne!(scores["loss"], scores["affine"]);
    assert_ne!(scores["synflow_trained"], scores["grad_norm_at_start"]);
    // A zero-shot row on a supernet scores the same weights as the row it names.
    assert_ne!(scores["synflow_at_start"], scores["synflow_trained"]);
    assert_ne!(scores["synflow_of_mean"], scores["synflow_trained"]);
    let epochs = |row: &str| store.newest().unwrap()[row].1.supernet().unwrap().epochs.clone();
    assert_eq!(epochs("synflow_trained"), [4]);
    assert_eq!(epochs("synflow_at_start"), [0]);
    assert_eq!(epochs("synflow_of_mean"), [2, 3, 4]);

    // Averages over the isomorphism group of each architecture.
    let space = Library::of_crate("space_nb201").unwrap().space("nb201").unwrap();
    let canonical = |arch: &str| space.canonical(arch).unwrap();
    let mut grouped = 0;
    for (at, arch) in plan.iter().enumerate() {
        let evaluated = group_of(&out, &shared);
        let own = canonical(arch);
        let group: Vec<&String> = evaluated.iter().filter(|it| canonical(it) == own).collect();
        let mean: f64 = group.iter().map(|it| -mean_loss(&batches(it, 1, &[4]))).sum::<f64>()
            / group.len() as f64;
        assert!(close(scores["post_deiso"][&(at, 1)], mean), "{arch} {group:?}");
        grouped += usize::from(group.len() > 1);
    }
    assert!(grouped > 0);

    // Other questions to the same batches evaluate nothing.
    let before = checkpoints(&out);
    let count =
        |store: &Store| plan.iter().map(|a| store.evaluations(a).unwrap().len()).sum::<usize>();
    let known = count(&store);
    drop(store);
    let more = "[[estimators]]\nid = \"one_shot\"\nname = \"one\"\nsettings = { batches = 1 }\n";
    run("run", &study(folder.path(), &format!("{VARIANTS}{more}")), &out);
    let store = Store::open(&out).unwrap();
    assert_eq!(count(&store), known);
    assert!(close(self::scores(&store)["one"][&(0, 1)], -batches_of(&store, &plan[0], &shared)));
    assert!(before == checkpoints(&out));
}

/// Loss of the first batch, for seed 1 after epoch 4.
fn batches_of(store: &Store, arch: &str, supernet: &str) -> f64 {
    let all = store.evaluations(arch).unwrap();
    let same = |one: &&Evaluated| one.supernet == supernet && one.seed == 1 && one.epochs == [4];
    all.iter().find(same).unwrap().batches[0].loss
}

/// Every architecture that was evaluated on the supernet.
fn group_of(run: &Path, supernet: &str) -> Vec<String> {
    let file = format!("file:{}?immutable=1", run.join("results.sqlite").display());
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_URI;
    let connection = rusqlite::Connection::open_with_flags(file, flags).unwrap();
    let query =
        "SELECT DISTINCT arch FROM evaluation WHERE supernet = ?1 AND seed = 1 AND epochs = '4'";
    let mut query = connection.prepare(query).unwrap();
    let rows = query.query_map([supernet], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_killed_training_comes_to_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let rows = r#"
[[estimators]]
id = "one_shot_controller"
settings = { population = 4, tournament = 2, update_every = 2 }
training = { epochs = 12, images = 1024, schedule = { kind = "plateau", factor = 0.5, patience = 1 } }
"#;
    let file = study(folder.path(), rows);
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    let curve = run("train", &file, &whole);
    assert_eq!(curve.lines().count(), 1 + 2 * 12);
    for moment in [300, 900, 600, 1100, 500, 800] {
        let (file, out) = (file.to_str().unwrap(), killed.to_str().unwrap());
        let mut child = support::osee(&["train", "--study", file, "--out", out]).spawn().unwrap();
        thread::sleep(Duration::from_millis(moment));
        child.kill().unwrap();
        child.wait().unwrap();
        // Its workers notice a moment later that it is gone.
        thread::sleep(Duration::from_millis(100));
    }
    run("train", &file, &killed);
    let (whole, killed) = (checkpoints(&whole), checkpoints(&killed));
    assert_eq!(whole.len(), 2 * 13);
    let name = |files: &[(String, Vec<u8>)]| -> Vec<String> {
        files.iter().map(|(name, _)| name.clone()).filter(|name| !name.contains("part")).collect()
    };
    assert_eq!(name(&whole), name(&killed));
    for file in &whole {
        assert!(killed.contains(file), "{} differs", file.0);
    }
}

#[test]
fn what_cannot_be_trained_is_said_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let rows = r#"
[[estimators]]
id = "one_shot"
training = { learning_rate = 1e30, max_norm = 0.0 }
[[estimators]]
id = "params"
[[estimators]]
id = "vote"
settings = { experts = "params,one_shot" }
"#;
    let file = study(folder.path(), rows);
    let out = folder.path().join("run");
    let args = ["run", "--study", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let output = support::osee(&args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(8), "{said}");
    assert!(said.contains("one_shot seed 1 is not trained: ") && said.contains("loss"), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("params"));
    // The leaderboard lists the row and why it has no scores; so it does for a vote that needs it.
    let why = "not run: one_shot (0 of 5 scored): its supernet could not be trained: the loss of \
               epoch 1 is NaN";
    assert!(said.contains(why), "{said}");
    let vote = "not run: vote (0 of 5 scored): its expert `one_shot` has no scores: the loss of \
                epoch 1 is NaN";
    assert!(said.contains(vote), "{said}");
    let board = support::run(&["leaderboard", out.to_str().unwrap(), "--format", "csv"]);
    assert!(board.lines().any(|line| line.split(',').nth(1) == Some("one_shot")), "{board}");
    // The row is outstanding, and the same command tries again.
    let progress = Store::open(&out).unwrap().progress().unwrap().unwrap();
    assert_eq!((progress.units, progress.outstanding), (10, 10));
    let again = support::osee(&args).output().unwrap();
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.status.code() == Some(8) && said.contains("seed 2 is not trained: "), "{said}");
    assert!(said.contains(why), "{said}");
}

#[test]
fn a_trend_of_means_begins_where_there_are_enough_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "[[estimators]]\nid = \"one_shot\"\ntrend = true\nsettings = { checkpoints = 3 }\n";
    let out = folder.path().join("run");
    run("run", &study(folder.path(), rows), &out);
    let store = Store::open(&out).unwrap();
    let rows: Vec<String> = store.newest().unwrap().into_keys().collect();
    assert_eq!(rows, ["one_shot@3", "one_shot@4"]);
}

#[test]
fn looking_at_a_training_changes_nothing_and_says_what_became_of_its_steps() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "[[estimators]]\nid = \"one_shot\"\nname = \"loss\"\n";
    let file = study(folder.path(), rows);
    let plain = folder.path().join("plain");
    run("train", &file, &plain);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("epochs = 4\n", "epochs = 4\nobserve = 3\n")).unwrap();
    let observed = folder.path().join("observed");
    run("train", &file, &observed);
    let weights = |files: Vec<(String, Vec<u8>)>| -> Vec<(String, Vec<u8>)> {
        files.into_iter().filter(|(name, _)| name.contains(".safetensors")).collect()
    };
    assert!(weights(checkpoints(&plain)) == weights(checkpoints(&observed)));

    let seen: Vec<Observation> = checkpoints(&observed)
        .iter()
        .filter(|(name, _)| name.contains(".json"))
        .map(|(_, text)| serde_json::from_slice(text).unwrap())
        .collect();
    // Two seeds of four epochs each.
    assert_eq!(seen.iter().map(|it| it.epoch).collect::<Vec<_>>(), [1, 2, 3, 4, 1, 2, 3, 4]);
    for it in &seen {
        assert_eq!((it.architectures.len(), it.after_step.len(), it.after_epoch.len()), (3, 3, 3));
        // These are accuracies on a batch of 32 images.
        let whole = |share: &f64| (0.0..=1.0).contains(share) && (share * 32.0).fract() == 0.0;
        assert!(it.after_step.iter().chain(&it.after_epoch).all(whole), "{it:?}");
        // All architectures share the stem and the classifier.
        let first = &it.similarity[0];
        assert!(first.layer.starts_with("stem") && first.architectures == 3, "{first:?}");
        let last = it.similarity.last().unwrap();
        assert!(last.layer.starts_with("classifier.weight") && last.architectures == 3);
        assert!(it.similarity.iter().all(|it| it.cosines.count <= 3));
    }
}

/// Each row decides whether images must suit the networks: a baseline reads none,
/// whatever rows stand beside it.
#[test]
fn a_row_does_not_depend_on_its_neighbours() {
    let folder = tempfile::tempdir().unwrap();
    let one_shot = "[training]\nepochs = 1\nimages = 64\nbatch_size = 32\n\
         validation_images = 32\nvalidation_batch_size = 32\n\
         [training.space]\nimage_size = 8\n[[estimators]]\nid = \"one_shot\"\n";
    let scores = |name: &str, more: &str| -> Vec<String> {
        let [file, out] = ["toml", "out"].map(|it| folder.path().join(format!("{name}.{it}")));
        // Digits cannot be enlarged to the input of the networks that `params` scores.
        let text = format!(
            "seeds = [0]\ndata = \"digits\"\n[space]\nid = \"nb201\"\n\
             settings = {{ channels = 2, cells = 1 }}\n[architectures]\ncount = 3\n\
             {more}[[estimators]]\nid = \"params\"\n"
        );
        std::fs::write(&file, text).unwrap();
        let [file, out] = [&file, &out].map(|path| path.to_str().unwrap());
        support::run(&["run", "--study", file, "--out", out]);
        support::columns(out).remove("params").unwrap()
    };
    let alone = scores("alone", "");
    assert!(alone.len() == 3 && alone.iter().all(|score| !score.is_empty()));
    assert_eq!(scores("beside", one_shot), alone);

    // If the weights are replaced, scores of the old ones are not silently kept.
    let out = folder.path().join("beside.out");
    let trained = std::fs::read_dir(out.join("supernets")).unwrap().next().unwrap().unwrap();
    let weights = trained.path().join("epoch-0001.safetensors");
    let own = std::fs::read(&weights).unwrap();
    let mut other = own.clone();
    *other.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, other).unwrap();
    let file = folder.path().join("beside.toml");
    let args = ["run", "--study", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let (code, said) = support::fail(&args);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("is not the file that scores of this run were made with"), "{said}");
    std::fs::write(&weights, own).unwrap();
    support::run(&args);
}
