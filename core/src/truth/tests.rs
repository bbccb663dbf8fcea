use super::*;
use std::io::Write;

fn table(text: &str, policy: Duplicates) -> Result<Table, TableError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Table::read(file.path(), "arch", Some(&["acc".to_owned()]), policy)
}

#[test]
fn duplicates_are_reported_and_follow_the_policy() {
    let text = "arch,acc\na,1\nb,2\na,3\nb,2\n";
    let error = table(text, Duplicates::Error).unwrap_err().to_string();
    assert!(error.contains("1 keys") && error.contains("`a`"), "{error}");
    let last = table(text, Duplicates::Last).unwrap();
    assert_eq!((last.keys.len(), last.columns[0].clone()), (2, vec![3.0, 2.0]));
    let agree: Vec<bool> = last.duplicates.iter().map(|d| d.agree).collect();
    assert_eq!(agree, [false, true]);
    let first = table(text, Duplicates::First).unwrap();
    assert_eq!(first.columns[0], [1.0, 2.0]);
    let mean = table(text, Duplicates::Mean).unwrap();
    assert_eq!((mean.keys.len(), mean.columns[0].clone()), (2, vec![2.0, 2.0]));
    let kept = table(text, Duplicates::Keep).unwrap();
    assert_eq!((kept.keys.len(), kept.columns[0].clone()), (4, vec![1.0, 2.0, 3.0, 2.0]));
    assert_eq!(kept.duplicates.len(), 2);
}

#[test]
fn mistakes_name_the_column_the_row_and_the_nearest() {
    let wrong = table("arch,accuracy\na,1\n", Duplicates::Error).unwrap_err().to_string();
    assert!(wrong.contains("no column `acc`; did you mean `accuracy`?"), "{wrong}");
    let wrong = table("arch,acc\na,1\nb,x\n", Duplicates::Error).unwrap_err().to_string();
    assert!(wrong.contains("row 3") && wrong.contains("`x`"), "{wrong}");
    assert!(matches!(table("arch,acc\n", Duplicates::Error), Err(TableError::Empty(_))));
    let wrong = table("PAR1\u{15}\u{4}", Duplicates::Error).unwrap_err().to_string();
    assert!(wrong.contains("a Parquet file") && wrong.contains("to_csv"), "{wrong}");
}

#[test]
fn a_key_may_be_made_of_columns_and_spelt_otherwise() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"a,b,acc\n1,x,7\n2,y,8\n9,z,9\n").unwrap();
    let read = |key: &str| {
        let spelling = |key: &str| (!key.contains('9')).then(|| key.to_uppercase());
        Table::read_spelt(file.path(), key, None, Duplicates::Error, spelling)
    };
    let table = read("<{b}-{a}>").unwrap();
    assert_eq!(
        (table.keys, table.names),
        (["<X-1>", "<Y-2>"].map(String::from).to_vec(), vec!["acc".to_owned()])
    );
    assert_eq!(table.unknown, ["<z-9>"]);
    let wrong = read("{a").unwrap_err().to_string();
    assert!(wrong.contains("unmatched brace"), "{wrong}");
    assert!(matches!(read("{c}"), Err(TableError::Column { .. })));
}

/// The values are 90, 92 and none: the mean is 91, the first 90, the last 92. A row without a value
/// agrees with any other.
#[test]
fn a_missing_value_is_missing_and_no_more() {
    let text = "arch,acc\na,\na,90\na,92\na,nan\nb,\nb,nan\nc,1\nc,\n";
    let value = |policy| table(text, policy).unwrap().columns[0][..].to_vec();
    for (policy, a) in
        [(Duplicates::First, 90.0), (Duplicates::Last, 92.0), (Duplicates::Mean, 91.0)]
    {
        let values = value(policy);
        assert!(values[0] == a && values[1].is_nan() && values[2] == 1.0, "{values:?}");
    }
    let mean = table(text, Duplicates::Mean).unwrap();
    let without: Vec<(usize, usize, bool)> =
        mean.duplicates.iter().map(|it| (it.rows, it.without, it.agree)).collect();
    assert_eq!(without, [(4, 2, false), (2, 2, true), (2, 1, true)]);
    let agreeing = table("arch,acc\nc,1\nc,\nc,1.0\n", Duplicates::Error).unwrap();
    assert_eq!(agreeing.columns[0], [1.0]);
}

#[test]
fn means_of_rows_tie() {
    let text = "arch,acc\na,93.1\na,93.3\nb,93.2\nc,93.2\nc,93.2\n";
    assert_eq!(table(text, Duplicates::Mean).unwrap().columns[0], [93.2; 3]);
}

#[test]
fn columns_that_are_no_numbers_are_named_with_the_reason() {
    let read = |text: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Table::read(file.path(), "arch", None, Duplicates::Error)
    };
    let text = "\u{feff},arch,a,b,twice,twice,none,Unnamed: 0,d\r\n\
                0,x,1,93.1%,1,2,,0,\r\n1,y,,2,3,4,,1,nan\r\n";
    let table = read(text).unwrap();
    assert_eq!(
        (table.names, table.keys),
        (vec!["a".to_owned(), "d".to_owned()], vec!["x".to_owned(), "y".to_owned()])
    );
    let why: Vec<String> =
        table.left_out.iter().map(|it| format!("{}: {}", it.column, it.why)).collect();
    assert_eq!(why.len(), 6, "{why:?}");
    assert_eq!(why[1], "b: row 2 holds `93.1%`, which is not a number");
    assert_eq!(why[2], "twice: 2 columns have this name");
    assert_eq!(why[4], "none: it is empty");
    assert!(why[0].contains("no name") && why[5].starts_with("Unnamed: 0: it has no name"));
    for (cell, hint) in
        [("1,5", "decimal point"), ("93.1%", "percent sign"), ("None", "empty or nan")]
    {
        let error = self::table(&format!("arch,acc\na,\"{cell}\"\n"), Duplicates::Error);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(&format!("`{cell}`")) && error.contains(hint), "{error}");
    }
    let error = self::table("arch,acc,acc\na,1,2\n", Duplicates::Error).unwrap_err().to_string();
    assert!(error.contains("has 2 columns `acc`"), "{error}");
}

#[test]
fn files_of_another_kind_are_named() {
    let gzip = |bytes: &[u8]| {
        let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        to.write_all(bytes).unwrap();
        to.finish().unwrap()
    };
    let one = |bytes: &[u8]| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    };
    let read = |bytes: &[u8]| Table::read(one(bytes).path(), "arch", None, Duplicates::Error);
    let mut tar = [0; 600];
    tar[..5].copy_from_slice(b"a.csv");
    tar[257..262].copy_from_slice(b"ustar");
    let kinds: [(&[u8], &str); 17] = [
        (b"\x1f\x9d\x90arch", "compress (.Z)"),
        (b"]\0\0\x80\0\xff\xff", "by lzma"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "pandas.read_excel"),
        (b"ccopy_reg\n_reconstructor\n", "a Python pickle"),
        (b"(dp0\nVa\np1\n", "a Python pickle"),
        (&tar, "a tar archive"),
        (b"a\0r\0c\0h\0,\0", "-f UTF-16LE"),
        (b"\0a\0r\0c\0h\0,", "-f UTF-16BE"),
        (b"\xff\xfe\0\0a\0\0\0", "UTF-32"),
        (b"arch,acc\n\x03\x01\x02", "bytes that do not occur in text"),
        (b"\x8b\x0b\x80\x03arch", "bytes that do not occur in text"),
        (b"\xfd7zXZ\0\0", "xz -dk"),
        (b"BZh91AY", "bzip2 -dk"),
        (b"\x28\xb5\x2f\xfd\x04", "zstd -d"),
        (b"PK\x03\x04\x14", "a zip archive"),
        (b"\x80\x04\x95", "a Python pickle"),
        (b"\xff\xfea\0r\0", "UTF-16"),
    ];
    for (bytes, what) in kinds {
        for bytes in [bytes.to_vec(), gzip(bytes)] {
            let error = read(&bytes).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains("a table is CSV"), "{error}");
        }
    }
    let error = read(b"arch;acc\na;1,5\n").unwrap_err().to_string();
    assert!(error.contains("semicolons") && error.contains("sep=';'"), "{error}");
    let zeros = [b"arch,acc\n".to_vec(), b"b,1\n".repeat(200), b"a\0,1\n".to_vec()].concat();
    for (bytes, what) in [
        (&b"arch\tacc\na\t1\n"[..], "by tabs"),
        (b"arch|acc\na|1\n", "by vertical bars"),
        (
            b"arch acc\na 1\nb 2\n",
            "by spaces; a table is CSV, with commas: pandas.read_csv(FILE, sep=r'\\s+')",
        ),
        (b"{\"arch\":{\"0\":\"a\"}}", "begins with JSON"),
        (b"[{\"arch\":\"a\"}]", "begins with JSON"),
        (b"{\"arch\":\"a\"}\n{\"arch\":\"b\"}\n", "lines=True"),
        (b"<table border=1>\n<tr>\n", "pandas.read_html"),
        (b"\\begin{tabular}{l}\n", "LaTeX"),
        (b"sep=,\narch,acc\na,1\n", "the line `sep=,`"),
        (b"\xef\xbb\xbfsep=;\r\narch;acc\n", "the line `sep=;`"),
        (b"# by me\narch,acc\na,1\n", "begins with a comment"),
        (b"| arch | acc |\n|:--|--:|\n| a | 1 |\n", "the header of a Markdown table"),
        (
            b"arch,gr\xf6\xdfe\na,1\n",
            "first in line 1; text of Windows or Excel is often in Latin-1",
        ),
        (b"arch,acc\na,1\nb,1\n\xf6,2\n", "UTF-8, first in line 4"),
        (b"arch,acc\na,1\nb,1,2\n", "line 3 has 3 cells, those before it 2"),
        (&zeros, "line 202 holds a zero byte"),
    ] {
        for bytes in [bytes.to_vec(), gzip(bytes)] {
            let error = read(&bytes).unwrap_err().to_string();
            assert!(error.contains(what), "{what}: {error}");
        }
    }
    let error = read(&gzip(&gzip(b"arch,acc\na,1\n"))).unwrap_err().to_string();
    assert!(error.contains("by gzip twice"), "{error}");
    // A single column whose name has a space; a header of numpy; one byte order mark too many.
    assert!(
        Table::read(one(b"arch str\na\nb\n").path(), "arch str", None, Duplicates::Error).is_ok()
    );
    assert!(
        Table::read(one(b"# arch,acc\na,1\n").path(), "# arch", None, Duplicates::Error).is_ok()
    );
    assert_eq!(read("\u{feff}\u{feff}arch,acc\na,1\n".as_bytes()).unwrap().keys, ["a"]);
    assert_eq!(read(&gzip("\u{feff}arch,acc\r\na,1\r\n".as_bytes())).unwrap().keys, ["a"]);
}

#[test]
fn rows_of_several_things_are_told_apart_by_a_filter() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"task,arch,acc\njigsaw,a,1\nnormal,a,2\njigsaw,b,3\nnormal,b,3\n").unwrap();
    let error = Table::read(file.path(), "arch", None, Duplicates::Error).unwrap_err();
    assert!(error.to_string().ends_with("with --where 'task=...'"), "{error}");
    let only = |text: &str| Sheet::read(file.path())?.only(&[text.parse().unwrap()]);
    let sheet = only("task=normal").unwrap();
    let key = sheet.key("arch").unwrap();
    let same = |key: &str| Some(key.to_owned());
    let table = Table::of(&sheet, &key, &[2], Duplicates::Error, same).unwrap();
    assert_eq!((table.keys.len(), &table.columns[0]), (2, &vec![2.0, 3.0]));
    let error = only("task=jigsw").unwrap_err().to_string();
    assert!(error.contains("no row of") && error.contains("did you mean `jigsaw`?"), "{error}");
    assert!(matches!(only("tusk=jigsaw"), Err(TableError::Column { .. })));
    assert!("task".parse::<Filter>().is_err());
}

#[test]
fn a_join_says_what_it_left_out() {
    let keys = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let join = join(&keys("a b c"), &keys("c d a"));
    assert_eq!(join.rows, [(0, 2), (2, 0)]);
    assert_eq!((join.only_left, join.only_right), (keys("b"), keys("d")));
}
