//! A store of format 4 can be read without changing it. A run that resumes it rewrites it and keeps
//! every row, score, failure and limit.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use osee_core::{
    row::Checkpoint,
    store::{Retry, Store, StoreError, StoreWriter, Superseded},
    study::Study,
};
use osee_model::{
    estimator::FailureKind,
    protocol::Protocol,
    recipe::Recipe,
    settings::{SettingSpec, Settings},
};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// The tables as format 4 made them.
const SCHEMA: &str = "
    CREATE TABLE plan (position INTEGER PRIMARY KEY, arch TEXT NOT NULL UNIQUE);
    CREATE TABLE scorer (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, used INTEGER NOT NULL);
    CREATE TABLE score (
        scorer INTEGER NOT NULL REFERENCES scorer(id), arch INTEGER NOT NULL REFERENCES plan(position),
        seed INTEGER NOT NULL, value REAL, failure_kind TEXT, failure_message TEXT,
        milliseconds REAL NOT NULL, device TEXT NOT NULL, PRIMARY KEY (scorer, arch, seed)
    ) WITHOUT ROWID;
    CREATE TABLE epoch (
        supernet TEXT NOT NULL, seed INTEGER NOT NULL, epoch INTEGER NOT NULL, loss REAL NOT NULL,
        accuracy REAL NOT NULL, learning_rate REAL NOT NULL, images_per_second REAL NOT NULL,
        PRIMARY KEY (supernet, seed, epoch)
    ) WITHOUT ROWID;
    CREATE TABLE evaluation (
        supernet TEXT NOT NULL, seed INTEGER NOT NULL, epochs TEXT NOT NULL, arch TEXT NOT NULL,
        batches TEXT NOT NULL, milliseconds REAL NOT NULL, PRIMARY KEY (supernet, seed, epochs, arch)
    ) WITHOUT ROWID;
    CREATE TABLE unit (
        arch INTEGER NOT NULL, seed INTEGER NOT NULL, milliseconds REAL NOT NULL, alone REAL NOT NULL,
        PRIMARY KEY (arch, seed)
    ) WITHOUT ROWID;
    CREATE TABLE failure_limit (
        scorer INTEGER NOT NULL, arch INTEGER NOT NULL, seed INTEGER NOT NULL, seconds REAL,
        bytes INTEGER, PRIMARY KEY (scorer, arch, seed)
    ) WITHOUT ROWID;
    PRAGMA user_version = 4;
";

fn key(name: &str, kind: &str, protocol: &Value, data: &str) -> String {
    json!({
        "name": name, "estimator": name.split('@').next(), "version": "1", "kind": kind,
        "direction": "higher-is-better", "settings": r#"{"floor":1e-6,"of":"all"}"#,
        "plugin_sha256": "p", "space": "nb201", "space_version": "2",
        "space_settings": r#"{"affine":false,"channels":16}"#, "space_sha256": "s",
        "protocol": protocol.to_string(), "data": data,
    })
    .to_string()
}

/// A store with two architectures and rows with one score each; the second row also has a failure
/// caused by a limit.
fn old_store(dir: &Path) {
    std::fs::write(dir.join("study.toml"), "name = \"old\"\n[protocol]\nbatch-size = 32\n")
        .unwrap();
    std::fs::write(dir.join("lock"), "").unwrap();
    let connection = Connection::open(dir.join("results.sqlite")).unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    for (at, arch) in ["x", "y"].iter().enumerate() {
        connection.execute("INSERT INTO plan VALUES (?1, ?2)", params![at as i64, arch]).unwrap();
    }
    let protocol = json!(Protocol::preset("paper").unwrap());
    let of = |epoch: u32, protocol: Value| {
        let recipe = Recipe::preset("small").unwrap();
        json!({"supernet": "k", "recipe": recipe, "epochs": [epoch], "protocol": protocol})
    };
    let keys = [
        key("params", "baseline", &protocol, "cifar10:old"),
        key("synflow", "zero-shot", &protocol, "cifar10:old"),
        key("one_shot@10", "one-shot", &of(10, Value::Null), "cifar10:old"),
        // A name that the user chose, not a checkpoint's.
        key("mine@3", "one-shot", &of(50, Value::Null), "cifar10:old"),
        key("synflow_trained", "zero-shot", &of(50, protocol.clone()), "cifar10:old"),
        key("params", "baseline", &protocol, "cifar10:new"),
    ];
    for (at, key) in keys.iter().enumerate() {
        let id = at as i64 + 1;
        connection.execute("INSERT INTO scorer VALUES (?1, ?2, ?1)", params![id, key]).unwrap();
        let arch = i64::from(at == 5);
        let write = "INSERT INTO score VALUES (?1, ?2, 0, ?3, NULL, NULL, 1.5, 'cpu')";
        connection.execute(write, params![id, arch, id as f64 / 8.0]).unwrap();
    }
    connection
        .execute_batch(
            "INSERT INTO score VALUES (2, 1, 0, NULL, '\"timeout\"', 'slow', 9.0, 'cpu');
             INSERT INTO failure_limit VALUES (2, 1, 0, 4.0, NULL);
             INSERT INTO unit VALUES (0, 0, 3.0, 4.0);",
        )
        .unwrap();
}

/// Scores by row and architecture.
fn scores(store: &Store) -> BTreeMap<(String, usize), Option<f64>> {
    let mut all = BTreeMap::new();
    for (id, key) in store.rows().unwrap() {
        for score in store.scores(id).unwrap() {
            all.insert((key.name.clone(), score.arch_index), score.outcome.ok());
        }
    }
    all
}

/// The value as its JSON text says it.
fn written(value: &Protocol) -> Value {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

fn check(store: &Store) {
    let newest = store.newest().unwrap();
    let row = |name: &str| &newest[name].1;
    assert_eq!(row("params").images, None);
    assert_eq!(row("synflow").images.as_deref(), Some("cifar10:old"));
    let floor = SettingSpec::new("floor", 1e-6, "");
    let settings = Settings::defaults(&[floor, SettingSpec::new("of", "all", "")]);
    assert_eq!(row("synflow").estimator.settings, settings);
    assert_eq!(row("synflow").conditions_json(), written(&Protocol::preset("paper").unwrap()));
    let checkpoint = Checkpoint { row: "one_shot".to_owned(), epoch: 10 };
    assert_eq!(row("one_shot@10").checkpoint_of, Some(checkpoint));
    assert_eq!(row("mine@3").checkpoint_of, None);
    let trained = row("synflow_trained").supernet().unwrap();
    assert_eq!((trained.key.as_str(), &*trained.epochs), ("k", &[50][..]));
    assert!(trained.protocol.is_some() && row("mine@3").supernet().unwrap().protocol.is_none());

    let of = |name: &str, arch, value| ((name.to_owned(), arch), value);
    let kept = [
        of("params", 0, Some(0.125)),
        of("params", 1, Some(0.75)),
        of("synflow", 0, Some(0.25)),
        of("synflow", 1, None),
        of("one_shot@10", 0, Some(0.375)),
        of("mine@3", 0, Some(0.5)),
        of("synflow_trained", 0, Some(0.625)),
    ];
    assert_eq!(scores(store), BTreeMap::from(kept));
    assert_eq!(store.unit_times().unwrap().units, 1);
    let open = |seconds| {
        let retry = Retry::within(Duration::from_secs(seconds), 0);
        !store.done_but(newest["synflow"].0, &[0], 2, &retry).unwrap().has(1, 0)
    };
    assert_eq!([open(4), open(5)], [false, true]);
    assert_eq!(store.failures().unwrap(), [("synflow".to_owned(), FailureKind::Timeout, 1)]);
}

#[test]
fn a_store_of_the_format_before_is_read_and_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    old_store(folder.path());
    let before = std::fs::read(folder.path().join("results.sqlite")).unwrap();
    let store = Store::open(folder.path()).unwrap();
    check(&store);
    let study = store.study().unwrap();
    assert_eq!((study.version, study.protocol.batch_size), (1, Some(32)));
    drop(store);
    assert_eq!(std::fs::read(folder.path().join("results.sqlite")).unwrap(), before);

    let mut store = StoreWriter::open(folder.path(), &study).unwrap();
    check(&store);
    // The rows of an estimator that never saw images become one, which is known.
    let params = store.newest().unwrap()["params"].1.clone();
    let rows = store.rows().unwrap();
    assert_eq!(rows.iter().filter(|(_, key)| key.name == "params").count(), 1);
    // Rows with other images are reported and scored anew.
    let now: Vec<_> = rows
        .iter()
        .map(|(_, key)| {
            let mut key = key.clone();
            key.images = key.images.map(|_| "cifar10:new".to_owned());
            key
        })
        .collect();
    let superseded = store.superseded(&now).unwrap();
    let rows: Vec<&str> = superseded.iter().map(|it| it.row.as_str()).collect();
    assert_eq!(rows, ["synflow", "one_shot@10", "mine@3", "synflow_trained"]);
    let images = "cifar10:old".to_owned();
    assert_eq!(superseded[0], Superseded { row: "synflow".to_owned(), scores: 1, images });
    let known = store.find(&params).unwrap();
    assert!(store.register(&now).unwrap().contains(&known.unwrap()));
    drop(store);

    let version: i64 = Connection::open(folder.path().join("results.sqlite"))
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 5);
    assert_eq!(
        Store::open(folder.path()).unwrap().newest().unwrap()["synflow"].1.images.as_deref(),
        Some("cifar10:new")
    );
}

#[test]
fn any_other_format_is_refused_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    old_store(folder.path());
    for format in [3, 6] {
        let connection = Connection::open(folder.path().join("results.sqlite")).unwrap();
        connection.pragma_update(None, "user_version", format).unwrap();
        drop(connection);
        let refused = Store::open(folder.path());
        assert!(matches!(refused, Err(StoreError::Version { found, .. }) if found == format));
        let refused = StoreWriter::open(
            folder.path(),
            &Study::parse(Path::new("s"), "name = \"old\"\n[protocol]\nbatch_size = 32\n").unwrap(),
        );
        assert!(matches!(refused, Err(StoreError::Version { found, .. }) if found == format));
    }
}
