//! Supernets that make no sense are refused before anything is trained, with the
//! cause and what is allowed.

use crate::support;
use crate::support::training::study;
use osee_testkit::Library;
use std::fs;

#[test]
fn studies_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |rows: &str| {
        let file = study(folder.path(), rows);
        let out = folder.path().join("none");
        let args = ["run", "--study", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
        let (code, said) = support::fail(&args);
        assert!(!out.exists() && code != 101, "{said}");
        said
    };
    let one_shot = "[[estimators]]\nid = \"one_shot\"\n";
    let said = refused(&format!("{one_shot}epoch = 7\n"));
    assert!(said.contains("after epoch 7; those kept are after [1, 2, 3, 4]"), "{said}");
    let said = refused("[[estimators]]\nid = \"synflow\"\nsupernet = \"one_shto\"\n");
    assert!(said.contains("no one-shot row `one_shto`"), "{said}");
    let said = refused("[[estimators]]\nid = \"synflow\"\ntrend = true\n");
    assert!(said.contains("is not scored by a supernet"), "{said}");
    let said = refused(&format!("{one_shot}settings = {{ sampler = \"unfair\" }}\n"));
    assert!(
        said.contains(
            "`sampler` of estimator `one_shot` must be uniform, deiso or fair, got `unfair`"
        ),
        "{said}"
    );
    let said = refused(&format!("{one_shot}training = {{ epochs = 0 }}\n"));
    assert!(said.contains("at least one epoch"), "{said}");
    let said = refused(&format!("{one_shot}training = {{ space = {{ chanels = 4 }} }}\n"));
    assert!(said.contains("did you mean `channels`?"), "{said}");
    let said = refused(&format!("{one_shot}training = {{ space = {{ image_size = 12 }} }}\n"));
    assert!(said.contains("32 pixels"), "{said}");
}

/// Each is refused before anything is trained, with what is allowed.
#[test]
fn settings_that_do_nothing_and_what_can_never_be_trained_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |rows: &str, parts: &[&str]| {
        let file = study(folder.path(), rows);
        let out = folder.path().join("none");
        let args = ["plan", "--study", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
        let (code, said) = support::fail(&args);
        assert!(code == 3 && !out.exists(), "{rows}: {code}: {said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{rows}: {said}");
    };
    let row = |more: &str| format!("[[estimators]]\nid = \"one_shot\"\nname = \"mine\"\n{more}\n");
    let settings = |text: &str| row(&format!("settings = {{ {text} }}"));
    let training = |text: &str| row(&format!("training = {{ {text} }}"));

    // The estimator's own settings.
    let unknown = "`mine` cannot be trained: setting `without`: nb201 has no `max_pool_3x3`";
    refused(&settings("without = \"max_pool_3x3\""), &[unknown, "`avg_pool_3x3`"]);
    let nothing = "`without` leaves no architecture";
    refused(&settings("without = \"nor_conv_3x3,nor_conv_1x1\""), &["`mine`", nothing]);
    let late = "`keep_after` is 4, and there are 4 epochs";
    refused(&settings("keep = 0.5, keep_after = 4"), &["`mine`", late]);
    refused(&settings("supernets = 2"), &["no setting `supernets`"]);
    let controller = "[[estimators]]\nid = \"one_shot_controller\"\nsettings = { warm_up =";
    refused(
        &format!("{controller} -1 }}\n"),
        &["`warm_up` of estimator `one_shot_controller` must be at least 0"],
    );
    refused(&format!("{controller} 4 }}\n"), &["nothing evolves"]);

    // Checkpoints and batches that a row asks of its supernet.
    let few = "`mine` averages 5 checkpoints up to epoch 4, but those kept are after [1, 2, 3, 4]";
    refused(&settings("checkpoints = 5"), &[few]);
    let initial = row("epoch = 0\nsettings = { checkpoints = 2 }");
    refused(&initial, &["averages 2 checkpoints up to epoch 0", "after [0]"]);
    let trend = row("trend = true\nsettings = { checkpoints = 5 }");
    refused(&trend, &["averages 5 checkpoints"]);
    refused(&settings("batches = 4"), &["the first 4 validation batches; its recipe has 3"]);
    refused(&row("epoch = 2\ntrend = true"), &["`mine` has `trend`", "beside `epoch`"]);
    refused(&row("trend_every = 2"), &["`mine` has `trend_every`", "add `trend = true`"]);
    refused(&row("trend = true\ntrend_every = 0"), &["trend_every", "nonzero"]);

    // Recipes, and rows that have none.
    refused(
        &training("keep_every = 5"),
        &["`keep_every` of [training] is 5, and there are 4 epochs"],
    );
    refused(&training("observe = 9"), &["`observe` of [training] is 9, and there are 8 steps"]);
    let batch = "`validation_batch_size` of [training] is 97, and there are 96";
    refused(&training("validation_batch_size = 97"), &[batch]);
    refused(&training("cutout = 32"), &["`cutout` of [training] is 32", "32 pixels"]);
    for id in ["synflow", "params", "vote"] {
        let rows = format!("[[estimators]]\nid = \"{id}\"\ntraining = {{ epochs = 2 }}\n");
        refused(&rows, &[&format!("`{id}` has `training`, but trains no supernet")]);
    }
    let lent = "[[estimators]]\nid = \"synflow\"\nsupernet = \"mine\"\ntraining = { epochs = 2 }\n";
    refused(&format!("{}{lent}", row("")), &["`synflow` has `training`"]);
}

/// The cause is the setting that needs a list of all architectures, not the number of
/// architectures asked for, nor a file of them.
#[test]
fn a_setting_that_needs_a_list_is_named_where_there_can_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |id: &str, archs: Option<&str>, settings: &str, parts: &[&str]| {
        let library = Library::of_crate(&format!("space_{id}")).unwrap();
        let space = library.lent_space(id).unwrap();
        let example = space.view().unwrap().info().example.clone();
        fs::write(folder.path().join("archs.txt"), archs.unwrap_or(&example)).unwrap();
        let text = format!(
            "seeds = [1]\n[space]\nid = \"{id}\"\n[architectures]\nfile = \"archs.txt\"\n\
             [training]\nepochs = 2\nimages = 64\nbatch_size = 32\n\
             [[estimators]]\nid = \"one_shot\"\nsettings = {{ {settings} }}\n"
        );
        let file = folder.path().join("study.toml");
        fs::write(&file, text).unwrap();
        let (code, said) = support::fail(&["plan", "--study", file.to_str().unwrap()]);
        assert!(code == 3 && parts.iter().all(|part| said.contains(part)), "{code}: {said}");
        assert!(!said.contains("say how many") && !said.contains("give a file"), "{said}");
    };
    let deiso = "`one_shot` cannot be trained: `sampler = \"deiso\"` lists all architectures, and";
    refused("nb301", None, "", &[deiso, "uniform and fair"]);
    let uniform = "sampler = \"uniform\"";
    let groups = "`one_shot` averages over isomorphism groups";
    refused("nb301", None, &format!("{uniform}, isomorphic = true"), &[groups, "`nb301` has 1"]);
    refused("nb301", None, &format!("{uniform}, keep = 0.5"), &["`keep` evaluates all", "has 1"]);
    for settings in ["", uniform, "sampler = \"fair\"", "isomorphic = true"] {
        refused("nb101", None, settings, &["nb101 cannot be enumerated"]);
    }
    let three = ["|nor_conv_3x3~0|", "|nor_conv_3x3~0|nor_conv_3x3~1|"].join("+")
        + "+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|";
    refused("nb201", Some(&three), "isomorphic = true", &[groups, "no architecture of the study"]);
}
