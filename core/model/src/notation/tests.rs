use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Result<Data> {
    let mut reader = Reader::new(text);
    let read = reader.literal()?;
    reader.end().map(|()| read.data)
}

/// The value as Python's `repr` would write it, with tuples as lists.
fn repr(data: &Data) -> String {
    match data {
        Data::Int(number) => number.to_string(),
        Data::Float(number) => format!("{number:?}"),
        Data::Text(text) => format!("'{text}'"),
        Data::List(list) => {
            let items: Vec<String> = list.iter().map(|it| repr(&it.data)).collect();
            format!("[{}]", items.join(", "))
        }
    }
}

fn reads(text: &str) -> String {
    repr(&read(text).unwrap_or_else(|error| panic!("{text}: {}", error.within(text))))
}

fn refuses(text: &str) -> String {
    match read(text) {
        Err(error) => error.within(text),
        Ok(read) => panic!("{text} is read as {}", repr(&read)),
    }
}

#[test]
fn literals_are_what_python_makes_of_them() {
    // Each value is the repr of what Python 3 evaluates, with tuples and arrays as lists.
    for (text, value) in [
        ("range(3, 6)", "[3, 4, 5]"),
        ("range(2,6,)", "[2, 3, 4, 5]"),
        ("range(4)", "[0, 1, 2, 3]"),
        ("range(5, 1, -2)", "[5, 3]"),
        ("range(3, 3)", "[]"),
        ("range(-1, 2)", "[-1, 0, 1]"),
        ("list(range(2, 6))", "[2, 3, 4, 5]"),
        ("tuple((2, 3))", "[2, 3]"),
        ("np.int64(0)", "0"),
        ("numpy.float64(0.5)", "0.5"),
        ("np.array([[0, 1], [0, 0]], dtype=np.int8)", "[[0, 1], [0, 0]]"),
        ("array([0., 1.])", "[0.0, 1.0]"),
        ("('conv', np.int64(1))", "['conv', 1]"),
        ("(\"conv\", 1,)", "['conv', 1]"),
        ("[ ]", "[]"),
        ("()", "[]"),
        ("(7)", "7"),
        ("(7,)", "[7]"),
        (" [1,\n 2,\t3, ] ", "[1, 2, 3]"),
        ("[-1, +2, 1e-1, -.5, 3.]", "[-1, 2, 0.1, -0.5, 3.0]"),
        ("9223372036854775807", "9223372036854775807"),
        ("['it\"s', \"it's\", '']", "['it\"s', 'it's', '']"),
    ] {
        assert_eq!(reads(text), value, "{text}");
    }
}

#[test]
fn what_is_no_literal_is_refused_with_its_place() {
    for (text, place) in [
        ("[1, 2", "column 6: expected `,` or `]`, found the end"),
        ("[1, 2)", "column 6: expected `,` or `]`, found `)`"),
        ("[1 2]", "column 4: expected `,` or `]`, found `2`"),
        ("[1,,2]", "column 4: expected a number, a string, a list or a range, found `,`"),
        ("[1] x", "column 5: expected the end, found `x`"),
        ("[é, 2) ", "column 6: expected `,` or `]`, found `)`"),
        ("'abc", "column 1: a string that lacks its closing ' or has an escape in it"),
        ("['abc\n']", "line 1, column 2: a string that lacks its closing ' or has an escape in it"),
        (
            "[1,\n  ?]",
            "line 2, column 3: expected a number, a string, a list or a range, found `?`",
        ),
        ("1_000", "column 1: `1_000` is not a number in range"),
        ("99999999999999999999", "column 1: `99999999999999999999` is not a number in range"),
        ("1e999", "column 1: `1e999` is not a number in range"),
        ("1.2.3", "column 1: `1.2.3` is not a number in range"),
        ("-", "column 1: `-` is not a number in range"),
        ("range(1, 2, 0)", "column 1: a range cannot go in steps of 0"),
        ("range()", "column 1: a range takes one to three numbers, found 0"),
        ("range(1.5)", "column 7: expected a whole number, found `1.5`"),
        ("range(100000000000)", "column 1: a range of more than 10000 numbers"),
        ("int('3')", "column 5: expected a number, found `3`"),
        ("list(1, 2)", "column 1: `list` takes one value, found 2"),
        (
            "[eval(1)]",
            "column 2: expected a literal, list(..), range(..), np.array(..) or np.int64(..), found \
             `eval(`",
        ),
    ] {
        assert_eq!(refuses(text), place, "{text}");
    }
    assert_eq!(
        reads(&format!("{}{}", "[".repeat(17), "]".repeat(17))),
        format!("{}{}", "[".repeat(17), "]".repeat(17))
    );
    for text in ["[".repeat(1_000_000), "(".repeat(1_000_000), "list(".repeat(1_000_000)] {
        assert!(refuses(&text).ends_with("lists nested more than 16 deep"));
    }
}

#[test]
fn keywords_stand_once_and_are_known() {
    let keys: [&[&str]; 2] = [&["ds", "depths"], &["ws"]];
    let keywords = |text: &str| {
        let found = Reader::new(text).keywords(&["Net"], &keys);
        let shown = |it: Vec<Option<Literal>>| -> Vec<String> {
            it.iter().map(|it| it.as_ref().map_or("-".to_owned(), |it| repr(&it.data))).collect()
        };
        found.map(shown).map_err(|error| error.within(text))
    };
    let both = Ok(vec!["[1]".to_owned(), "2".to_owned()]);
    for text in [
        "ds=[1] ws=2",
        "ws = 2, depths = [1],",
        "Net(ds=[1], ws=2)",
        "Net(ds=[1],\n ws=2,\n)",
        "BEST = nets.Net(ws=2, ds=[1])",
    ] {
        assert_eq!(keywords(text), both, "{text}");
    }
    assert_eq!(keywords("ws=2"), Ok(vec!["-".to_owned(), "2".to_owned()]));
    for (text, place) in [
        ("ds=[1] ws=2 ds=[1]", "column 13: `ds` is given twice"),
        ("ds=[1], depths=[1]", "column 9: `depths` is given twice"),
        ("ds=[1], wss=2", "column 9: unknown keyword `wss` (did you mean `ws`?)"),
        ("ds=[1], width=2", "column 9: unknown keyword `width` (there are ds, ws)"),
        ("Net(ds=[1] ws=2)", "column 12: expected `,` or `)`, found `ws`"),
        ("Net(ds=[1]", "column 11: expected `,` or `)`, found the end"),
        ("Net(ds=[1]) ws=2", "column 13: expected the end, found `ws=2`"),
        ("ds [1]", "column 4: expected `=`, found `[`"),
        ("[1]", "column 1: expected `Net(` or `ds=`, found `[`"),
        ("ds=[1] x", "column 8: expected `Net(` or `ds=`, found `x`"),
    ] {
        assert_eq!(keywords(text), Err(place.to_owned()), "{text}");
    }
}

fn data() -> impl Strategy<Value = Data> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Data::Int),
        any::<f64>().prop_filter("finite", |it| it.is_finite()).prop_map(Data::Float),
        "[a-z_0-9 ,()]{0,8}".prop_map(Data::Text),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let literal = inner.prop_map(|data| Literal { at: 0, data });
        proptest::collection::vec(literal, 0..5).prop_map(Data::List)
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(data in data()) {
        prop_assert_eq!(reads(&repr(&data)), repr(&data));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\](){}'\"=,.a-cé0-9eE+_ \n-]{0,40}") {
        let _ = read(&text);
        let _ = Reader::new(&text).keywords(&["a"], &[&["b"], &["c"]]);
    }
}
