//! Fetches data sets from a server that does what servers do. What was there is never
//! lost, nothing is left half done, and every fault is named.

use crate::support::server;
use crate::support::server::{Server, put, send, send_slowly, start, start_file};
use osee_host::{
    catalog::{Catalog, CatalogError, Entry, Fetching, Home, Kind, Mirror, fetch, import},
    progress::Silent,
    stop::Stop,
};
use osee_model::hex::hex;
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

const ROWS: usize = 20_000;

/// A table of a few hundred kilobytes.
fn table() -> Vec<u8> {
    let rows = (0..ROWS).map(|at| format!("a{at},{}.5\n", at % 97));
    format!("arch,acc\n{}", rows.collect::<String>()).into_bytes()
}

fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}

/// A data set `t` that is one table with these sources.
fn entry(bytes: &[u8], from: &[String]) -> Entry {
    let text = format!(
        "[[entry]]\nname = \"t\"\ntitle = \"a table\"\nkind = \"table\"\nrows = {ROWS}\n\
         converter = \"csv\"\ncolumns = [\"arch\", \"acc\"]\nlicence = \"none\"\n\
         citation = \"nobody\"\norigin = \"https://example.org\"\n\
         file = [{{ name = \"t.csv\", bytes = {}, sha256 = \"{}\", from = {from:?} }}]\n",
        bytes.len(),
        sha256(bytes)
    );
    Catalog::parse(&text).unwrap().find("t").unwrap().clone()
}

fn online() -> Fetching {
    Fetching {
        reporter: Arc::new(Silent),
        mirror: None,
        offline: false,
        patience: Duration::from_secs(20),
    }
}

struct Place {
    folder: tempfile::TempDir,
    home: Home,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        Self { folder, home }
    }

    fn fetch(&self, entry: &Entry) -> Result<(), CatalogError> {
        fetch(entry, &self.home, &online(), &Stop::default()).map(drop)
    }

    /// The error of a fetch that must fail and leave nothing behind.
    fn refuse(&self, entry: &Entry) -> String {
        let error = self.fetch(entry).unwrap_err();
        assert!(matches!(error, CatalogError::Of { kind: Kind::Table, .. }), "{error}");
        assert!(self.home.located(entry).is_err());
        assert!(!self.home.folder(entry).exists());
        error.to_string()
    }

    fn part(&self, entry: &Entry) -> PathBuf {
        self.home.incoming(entry).join("t.csv.part")
    }

    /// All files below the home except locks.
    fn files(&self) -> Vec<String> {
        fn below(folder: &Path, to: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                match entry.path().is_dir() {
                    true => below(&entry.path(), to),
                    false => to.push(entry.path()),
                }
            }
        }
        let mut found = Vec::new();
        below(self.home.path(), &mut found);
        let name = |it: PathBuf| it.strip_prefix(self.home.path()).unwrap().display().to_string();
        let mut names: Vec<String> = found.into_iter().map(name).collect();
        names.retain(|it| !it.ends_with(".lock"));
        names.sort();
        names
    }
}

#[test]
fn a_table_is_fetched_once_verified_found_and_removed() {
    let (bytes, place) = (table(), Place::new());
    let server = Server::of(&bytes);
    let entry = entry(&bytes, &[server.address("/t.csv")]);
    place.fetch(&entry).unwrap();
    place.fetch(&entry).unwrap();
    assert_eq!(server.asked().len(), 1);
    assert_eq!(place.files(), ["t/card.toml", "t/original/t.csv", "t/t.csv"]);
    assert_eq!(fs::read(place.home.located(&entry).unwrap()).unwrap(), bytes);
    let card = place.home.verify(&entry, &Stop::default()).unwrap();
    assert_eq!(card.files[0].sha256, sha256(&bytes));
    assert_eq!(card.files[0].from.as_deref(), Some(&*server.address("/t.csv")));
    let text = fs::read_to_string(place.home.folder(&entry).join("card.toml")).unwrap();
    for said in ["licence = \"none\"", "citation = \"nobody\"", "origin = \"https://example.org\""]
    {
        assert!(text.contains(said), "{text}");
    }
    assert!(place.home.remove(&entry, &Stop::default()).unwrap().is_empty());
    assert!(place.files().is_empty() && !place.home.folder(&entry).exists());
    assert!(place.home.located(&entry).is_err());
}

#[test]
fn faults_of_a_server_are_told_apart_and_leave_nothing_half_done() {
    let bytes = table();
    let (other, short) = (vec![b'x'; bytes.len()], bytes[..1000].to_vec());
    let all = bytes.len();
    type Answer = Box<dyn Fn(&server::Asked, &mut std::net::TcpStream) + Send + Sync>;
    let cases: Vec<(Answer, &str)> = vec![
        (
            Box::new(|_, to| start(to, "404 Not Found", "content-length: 0\r\n")),
            "answers 404: the file is not there",
        ),
        (
            Box::new(|_, to| start(to, "403 Forbidden", "content-length: 0\r\n")),
            "answers 403: it denies access to the file",
        ),
        (
            Box::new(|_, to| start(to, "503 Busy", "content-length: 0\r\n")),
            "answers 503: the server failed",
        ),
        (Box::new(move |asked, to| send(asked, &other, to)), "its SHA-256 is"),
        (Box::new(move |asked, to| send(asked, &short, to)), "has 1000 bytes, but"),
        (
            // Announces the whole length, and always breaks off at the same place.
            Box::new(move |_, to| {
                start(to, "200 OK", &format!("content-length: {all}\r\n"));
                put(to, &[b'y'; 1000]);
            }),
            "broke off after 1000 of",
        ),
        (
            // Announces no length, and sends more than the file has.
            Box::new(move |_, to| {
                start(to, "200 OK", "");
                put(to, &vec![b'z'; all + 70_000]);
            }),
            "has more than the",
        ),
        (
            Box::new(|_, to| start(to, "302 Found", "location: /again\r\ncontent-length: 0\r\n")),
            "redirects too often",
        ),
        (Box::new(|_, to| put(to, b"220 ftp\r\n\r\n")), "http"),
    ];
    for (answer, why) in cases {
        let place = Place::new();
        let server = Server::new(answer);
        let entry = entry(&bytes, &[server.address("/t.csv")]);
        let error = place.refuse(&entry);
        assert!(error.contains(why), "{why}: {error}");
        assert!(error.contains(&server.address("/t.csv")), "{error}");
        let by_hand = place.home.incoming(&entry).join("t.csv");
        assert!(error.contains(&by_hand.display().to_string()), "{error}");
        assert!(error.contains("osee-host data import t FILE"), "{error}");
    }
    // Nothing listens on this port.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = Place::new();
    let error = place.refuse(&entry(&bytes, &[format!("http://{gone}/t.csv")]));
    assert!(error.to_lowercase().contains("refused"), "{error}");
}

#[test]
fn a_silent_server_is_left_after_a_while() {
    let bytes = table();
    let place = Place::new();
    let server = Server::new(|_, to| {
        start(to, "200 OK", &format!("content-length: {}\r\n", table().len()));
        put(to, &table()[..500]);
        thread::sleep(Duration::from_secs(30));
    });
    let entry = entry(&bytes, &[server.address("/t.csv")]);
    let how = Fetching { patience: Duration::from_secs(1), ..online() };
    let begin = Instant::now();
    let error = fetch(&entry, &place.home, &how, &Stop::default()).unwrap_err().to_string();
    assert!(error.contains("sent nothing for 1 s"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(20));
    assert_eq!(fs::metadata(place.part(&entry)).unwrap().len(), 500);
}

#[test]
fn a_download_that_broke_off_goes_on_where_it_ended() {
    let (bytes, place) = (table(), Place::new());
    let own = bytes.clone();
    let server = Server::new(move |asked, to| {
        let from = start_file(asked, &own, to);
        // Sends a third on each request.
        put(to, &own[from..(from + own.len() / 3 + 1).min(own.len())]);
    });
    let entry = entry(&bytes, &[server.address("/t.csv")]);
    place.fetch(&entry).unwrap();
    let third = bytes.len() / 3 + 1;
    let from: Vec<Option<usize>> = server.asked().iter().map(|it| it.from).collect();
    assert_eq!(from, [None, Some(third), Some(2 * third)]);
    assert_eq!(fs::read(place.home.located(&entry).unwrap()).unwrap(), bytes);
}

#[test]
fn servers_without_parts_and_parts_of_other_files_are_begun_anew() {
    let bytes = table();
    let whole = bytes.clone();
    let other_part = bytes.clone();
    let refused = bytes.clone();
    type Answer = Box<dyn Fn(&server::Asked, &mut std::net::TcpStream) + Send + Sync>;
    let answers: Vec<Answer> = vec![
        // Ignores the range that is asked for.
        Box::new(move |asked, to| send(&server::Asked { from: None, ..asked.clone() }, &whole, to)),
        // Sends another range than the one asked for.
        Box::new(move |asked, to| {
            let from = asked.from.map(|it| it + 1);
            send(&server::Asked { from, ..asked.clone() }, &other_part, to);
        }),
        Box::new(move |asked, to| match asked.from {
            Some(_) => start(to, "416 Range Not Satisfiable", "content-length: 0\r\n"),
            None => send(asked, &refused, to),
        }),
        // Resumes a partial file that is of another file.
        {
            let bytes = bytes.clone();
            Box::new(move |asked, to| send(asked, &bytes, to))
        },
    ];
    for answer in answers {
        let place = Place::new();
        let server = Server::new(answer);
        let entry = entry(&bytes, &[server.address("/t.csv")]);
        fs::create_dir_all(place.home.incoming(&entry)).unwrap();
        fs::write(place.part(&entry), "of another file").unwrap();
        place.fetch(&entry).unwrap();
        assert_eq!(server.asked()[0].from, Some(15));
        assert_eq!(fs::read(place.home.located(&entry).unwrap()).unwrap(), bytes);
    }
    // The partial file is larger than the whole.
    let (place, server) = (Place::new(), Server::of(&bytes));
    let entry = entry(&bytes, &[server.address("/t.csv")]);
    fs::create_dir_all(place.home.incoming(&entry)).unwrap();
    fs::write(place.part(&entry), vec![0; bytes.len() + 1]).unwrap();
    place.fetch(&entry).unwrap();
    assert_eq!(server.asked()[0].from, None);
}

#[test]
fn sources_are_asked_in_order_and_redirects_followed() {
    let (bytes, place) = (table(), Place::new());
    let own = bytes.clone();
    let server = Server::new(move |asked, to| match asked.path.as_str() {
        "/1" => start(to, "404 Not Found", "content-length: 0\r\n"),
        "/2" => send(asked, &vec![b'x'; own.len()], to),
        "/3" => start(to, "302 Found", "location: /4\r\ncontent-length: 0\r\n"),
        _ => send(asked, &own, to),
    });
    let addresses: Vec<String> = (1..=3).map(|it| server.address(&format!("/{it}"))).collect();
    let entry = entry(&bytes, &addresses);
    place.fetch(&entry).unwrap();
    let paths: Vec<String> = server.asked().into_iter().map(|it| it.path).collect();
    assert_eq!(paths, ["/1", "/2", "/3", "/4"]);
    let card = place.home.card(&entry).unwrap().unwrap();
    assert_eq!(card.files[0].from.as_deref(), Some(&*addresses[2]));
}

#[test]
fn a_mirror_is_asked_first_and_may_lack_files_or_have_wrong_ones() {
    let bytes = table();
    let source = Server::of(&bytes);
    let entry = entry(&bytes, &[source.address("/o/r/c/t.csv")]);
    let place = Place::new();
    let below = source.address("/o/r/c/t.csv").replace("http://", "");
    let file = place.folder.path().join("mirror").join(&below);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut how = online();
    how.mirror = Some(Mirror::Folder(place.folder.path().join("mirror")));
    let get = |how: &Fetching| {
        let card = fetch(&entry, &place.home, how, &Stop::default());
        let from = card.map(|card| card.files[0].from.clone().unwrap());
        if from.is_ok() {
            place.home.remove(&entry, &Stop::default()).unwrap();
        }
        from
    };
    let by_address = source.address("/o/r/c/t.csv");
    // In turn, the mirror lacks the file, has another of its size, and has it.
    assert_eq!(get(&how).unwrap(), by_address);
    fs::write(&file, vec![b'x'; bytes.len()]).unwrap();
    assert_eq!(get(&how).unwrap(), by_address);
    fs::write(&file, &bytes).unwrap();
    how.offline = true;
    assert_eq!(get(&how).unwrap(), file.display().to_string());
    assert_eq!(source.asked().len(), 2);
    // The same with a mirror by HTTP, which is not asked when offline.
    let mirror = Server::of(&bytes);
    how.mirror = Some(Mirror::Http(mirror.address("/m/")));
    let error = get(&how).unwrap_err().to_string();
    assert_eq!(error.matches("not asked, because of --offline").count(), 2, "{error}");
    how.offline = false;
    assert_eq!(get(&how).unwrap(), mirror.address(&format!("/m/{below}")));
    assert_eq!(source.asked().len(), 2);
}

#[test]
fn a_file_that_was_put_there_by_hand_is_taken_and_a_wrong_one_kept() {
    let (bytes, place) = (table(), Place::new());
    let entry = entry(&bytes, &["http://127.0.0.1:1/t.csv".to_owned()]);
    let error = place.refuse(&entry);
    let by_hand = place.home.incoming(&entry).join("t.csv");
    assert!(error.contains(&by_hand.display().to_string()), "{error}");
    fs::write(&by_hand, "another").unwrap();
    let error = place.refuse(&entry);
    assert!(error.contains("is not t.csv: it has 7 bytes"), "{error}");
    assert_eq!(fs::read(&by_hand).unwrap(), b"another");
    fs::write(&by_hand, &bytes).unwrap();
    place.fetch(&entry).unwrap();
    assert_eq!(place.files(), ["t/card.toml", "t/original/t.csv", "t/t.csv"]);
}

#[test]
fn files_that_osee_did_not_write_or_that_were_changed_are_never_touched() {
    let (bytes, place) = (table(), Place::new());
    let server = Server::of(&bytes);
    let entry = entry(&bytes, &[server.address("/t.csv")]);
    let own = place.folder.path().join("own.csv");
    fs::write(&own, &bytes).unwrap();
    // A folder that osee did not make.
    let notes = place.home.folder(&entry).join("notes.txt");
    fs::create_dir_all(notes.parent().unwrap()).unwrap();
    fs::write(&notes, "mine").unwrap();
    for error in [
        place.fetch(&entry).unwrap_err(),
        import(&entry, &own, &place.home, &Stop::default()).unwrap_err(),
    ] {
        assert!(error.to_string().contains("notes.txt was not written by osee-host"), "{error}");
    }
    assert_eq!(place.files(), ["t/notes.txt"]);
    fs::remove_file(&notes).unwrap();
    place.fetch(&entry).unwrap();
    // A user's note beside the data, and a table that was changed.
    fs::write(&notes, "mine").unwrap();
    let converted = place.home.located(&entry).unwrap();
    fs::write(&converted, "mine, too").unwrap();
    let error = place.home.verify(&entry, &Stop::default()).unwrap_err().to_string();
    assert!(error.contains("t.csv was changed since it was written"), "{error}");
    let error = place.fetch(&entry).unwrap_err().to_string();
    assert!(error.contains("was changed since"), "{error}");
    assert_eq!(fs::read(&converted).unwrap(), b"mine, too");
    let kept = place.home.remove(&entry, &Stop::default()).unwrap();
    assert_eq!(kept, [notes.clone(), converted.clone()]);
    assert_eq!(place.files(), ["t/notes.txt", "t/t.csv"]);
    // Missing files are fetched again, and others stay.
    fs::remove_file(&notes).unwrap();
    fs::remove_file(&converted).unwrap();
    place.fetch(&entry).unwrap();
    fs::remove_file(&converted).unwrap();
    let error = place.home.verify(&entry, &Stop::default()).unwrap_err().to_string();
    assert!(error.contains("t.csv is gone"), "{error}");
    place.fetch(&entry).unwrap();
    place.home.verify(&entry, &Stop::default()).unwrap();
    // A card that names a file outside its folder.
    let card = place.home.folder(&entry).join("card.toml");
    let text = fs::read_to_string(&card).unwrap();
    fs::write(&card, text.replace("original/t.csv", "../../own.csv")).unwrap();
    let error = place.home.remove(&entry, &Stop::default()).unwrap_err().to_string();
    assert!(error.contains("outside its folder"), "{error}");
    assert!(own.exists());
}

#[test]
fn a_file_that_is_not_the_table_leaves_what_was_there() {
    let (bytes, place) = (table(), Place::new());
    let server = Server::of(&bytes);
    let good = entry(&bytes, &[server.address("/t.csv")]);
    place.fetch(&good).unwrap();
    let before = place.files();
    let own = place.folder.path().join("own.csv");
    let mut open = good.clone();
    open.files[0].sha256 = None;
    open.files[0].bytes = None;
    for (text, why) in [
        ("arch,acc\na,1\n", "the table has 1 rows, but 20000 are expected"),
        ("arch,accuracy\na,1\n", "has no column `acc`"),
        ("", "has no rows"),
    ] {
        fs::write(&own, text).unwrap();
        let error = import(&open, &own, &place.home, &Stop::default()).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        let error = import(&good, &own, &place.home, &Stop::default()).unwrap_err().to_string();
        assert!(error.contains("own.csv is not t.csv"), "{error}");
        assert_eq!(place.files(), before);
        place.home.verify(&good, &Stop::default()).unwrap();
    }
}

#[test]
fn two_that_fetch_one_data_set_download_it_once() {
    let (bytes, place) = (table(), Place::new());
    let own = bytes.clone();
    let server = Server::new(move |asked, to| send_slowly(asked, &own, 20_000, to));
    let entry = entry(&bytes, &[server.address("/t.csv")]);
    thread::scope(|scope| {
        let both = [0; 2].map(|_| scope.spawn(|| place.fetch(&entry)));
        for one in both {
            one.join().unwrap().unwrap();
        }
    });
    assert_eq!(server.asked().len(), 1);
}
