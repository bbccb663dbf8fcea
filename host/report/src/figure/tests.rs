//! Tests of figures with a few numbers: what is drawn where, and what the data says.

use super::*;

fn figure(chart: impl Into<Chart>) -> Figure {
    Figure::new("name", "Title", chart)
}

/// Content of every text element, in order.
fn texts(svg: &str) -> Vec<String> {
    let parts = svg.split("<text ").skip(1);
    let text = |part: &str| part.split('>').nth(1)?.split('<').next().map(str::to_owned);
    parts.filter_map(text).collect()
}

fn count(svg: &str, part: &str) -> usize {
    svg.matches(part).count()
}

#[test]
fn every_figure_is_well_formed_and_the_same_each_time() {
    let evil = "<script>&\"'\u{1}\n]]>";
    let charts: Vec<Chart> = vec![
        Lines::new(Axis::new(evil), Axis::new(evil)).series(evil, [(1.0, 2.0.into())]).into(),
        Bars::new(evil, &[evil], &[evil]).panel(Axis::new(evil), vec![vec![1.0.into()]]).into(),
        Histogram::new(Axis::new(evil)).series(evil, [1.0, 2.0]).into(),
        HeatMap::correlations(&[evil], &[evil], vec![vec![Value::undefined(evil)]]).into(),
        Scatter::new(Axis::new(evil), Axis::new(evil))
            .group(evil, [(evil, 1.0, 2.0)])
            .front()
            .into(),
        Intervals::new(Axis::new(evil)).row(evil, Value::undefined(evil), true).into(),
        Drawings::default().drawing(evil, evil, Drawing::layered(&[evil, "b"], &[[0, 1]])).into(),
    ];
    for chart in charts {
        let figure = Figure::new("name", evil, chart);
        let svg = figure.svg();
        assert_eq!(svg, figure.svg());
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
        assert!(!svg.contains("<script") && !svg.contains('\u{1}'), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        let opened = count(&svg, "<") - count(&svg, "</") - count(&svg, "/>");
        assert_eq!(opened, count(&svg, "</"), "every element ends: {svg}");
        // The reader is strict: every record has as many fields as the first.
        let csv = figure.csv();
        assert!(csv::Reader::from_reader(csv.as_bytes()).records().all(|it| it.is_ok()), "{csv}");
    }
}

#[test]
fn figures_without_data_are_still_figures() {
    let empty: Vec<Chart> = vec![
        Lines::new(Axis::new("x"), Axis::new("y")).into(),
        Bars::new("g", &[], &[]).panel(Axis::new("y"), Vec::new()).into(),
        Histogram::new(Axis::new("x")).series("a", [f64::NAN]).into(),
        HeatMap::correlations(&[], &[], Vec::new()).into(),
        Scatter::new(Axis::new("x").log(), Axis::new("y")).front().into(),
        Intervals::new(Axis::new("x")).into(),
        Drawings::default().into(),
    ];
    for chart in empty {
        let svg = figure(chart).svg();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}

#[test]
fn an_undefined_value_is_said_to_be_and_never_drawn() {
    let lines = Lines::new(Axis::new("Epoch"), Axis::new("KD"))
        .series("a", [(1.0, 0.5.into()), (2.0, f64::NAN.into()), (3.0, 0.7.into())]);
    let svg = figure(lines.clone()).svg();
    assert!(texts(&svg).contains(&"undefined: a at 2: the number is NaN".to_owned()));
    // One line would join separate stretches; both stretches are single points.
    assert_eq!(count(&svg, "<title>a at "), 3);
    assert_eq!(count(&svg, "fill=\"none\""), 2);
    assert_eq!(
        figure(lines).csv(),
        "series,Epoch,KD,low,high,undefined\na,1.0,0.5,,,\na,2.0,,,,the number is NaN\n\
         a,3.0,0.7,,,\n"
    );
    let rows =
        Intervals::new(Axis::new("KD")).row("constant", Value::undefined("all equal"), false);
    let svg = figure(rows).svg();
    assert!(texts(&svg).contains(&"undefined: all equal".to_owned()));
}

#[test]
fn reasons_that_are_shared_are_told_once() {
    let cell = || Value::undefined("all equal");
    let map = HeatMap::correlations(&["a", "b"], &["c"], vec![vec![cell()], vec![cell()]]);
    let told: Vec<String> =
        texts(&figure(map).svg()).into_iter().filter(|it| it.starts_with("undefined")).collect();
    assert_eq!(told, ["undefined: a, c, and 1 more: all equal"]);
}

#[test]
fn ticks_are_round_and_hold_the_data() {
    let ticks = |axis: Axis, values: &[f64]| -> Vec<String> {
        let scale = axis::Scale::new(&axis, values.iter().copied(), false, 5);
        scale.ticks.into_iter().map(|(_, label)| label).collect()
    };
    assert_eq!(ticks(Axis::new(""), &[0.12, 0.69]), ["0.0", "0.2", "0.4", "0.6", "0.8"]);
    assert_eq!(
        ticks(Axis::new(""), &[-2300.0, 1800.0]),
        ["−3,000", "−2,000", "−1,000", "0", "1,000", "2,000"]
    );
    assert_eq!(ticks(Axis::new("").log(), &[0.1, 775.3]), ["0.1", "1", "10", "100", "1,000"]);
    assert_eq!(ticks(Axis::new("").log(), &[2.0, 40.0]), ["2", "5", "10", "20", "50"]);
    assert_eq!(
        ticks(Axis::new("").range(0.0, 1.0), &[7.0]),
        ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    );
    assert_eq!(ticks(Axis::new("").log(), &[1e-10, 1e60]).last().unwrap(), "10⁶⁰");
}

#[test]
fn a_number_that_is_small_among_others_has_their_places() {
    use super::text::shown_among;
    let spelt = [-0.000_892, 0.0004, 0.65].map(|it| shown_among(it, 0.65));
    assert_eq!(spelt, ["−0.001", "0.000", "0.650"]);
    assert_eq!(shown_among(-0.000_892, 0.001), shown(-0.000_892));
}

#[test]
fn numbers_are_spelt_for_people() {
    let spelt = [0.0, -0.0001, 0.69, -0.0004, 15_625.0, 404.8, 1.8e50, 93.456].map(shown);
    assert_eq!(spelt, ["0", "−10⁻⁴", "0.690", "−4×10⁻⁴", "15,625", "404.8", "1.8×10⁵⁰", "93.46"]);
}

#[test]
fn the_pareto_front_has_what_nothing_cheaper_beats() {
    let points =
        [("a", 1.0, 0.5), ("b", 10.0, 0.4), ("c", 100.0, 0.7), ("d", 100.0, 0.6), ("e", 0.0, 0.9)];
    let scatter = Scatter::new(Axis::new("ms").log(), Axis::new("KD")).group("", points).front();
    let front: Vec<&str> = scatter.pareto().iter().map(|(mark, _)| mark.label.as_str()).collect();
    // A cost of zero has no position on a logarithmic axis.
    assert_eq!(front, ["a", "c"]);
    let svg = figure(scatter.clone()).svg();
    assert!(texts(&svg).iter().any(|it| it.starts_with("undefined: e: ms is 0")));
    assert!(figure(scatter).csv().contains("\n,c,100.0,0.7,,,,1\n,d,100.0,0.6,,,,0\n"));
}

#[test]
fn groups_that_are_ranges_have_their_bounds_in_the_numbers() {
    let bars = Bars::new("FLOPs", &["1.2M to 3.5M"], &["a"])
        .bounds(vec![[1_234_567.0, 3_456_789.0]])
        .panel(Axis::new("KD"), vec![vec![0.5.into()]]);
    assert_eq!(
        figure(bars).csv(),
        "quantity,series,group,value,low,high,undefined,group_low,group_high\n\
         KD,a,1.2M to 3.5M,0.5,,,,1234567.0,3456789.0\n"
    );
}

#[test]
fn a_histogram_counts_every_finite_value_once() {
    let values: Vec<f64> =
        (0..1000).map(|i| f64::from(i % 97)).chain([f64::NAN, f64::INFINITY]).collect();
    let csv = figure(Histogram::new(Axis::new("x")).series("a", values)).csv();
    let counts =
        csv.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().parse::<usize>().unwrap());
    assert_eq!(counts.sum::<usize>(), 1000);
    let edges: Vec<&str> =
        csv.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert_eq!(edges[0], "0.0");
}

#[test]
fn series_differ_without_colour() {
    let looks = |n: usize| {
        (
            palette::dash(n),
            palette::marker(n, 0.0, 0.0, 4.0),
            palette::hatch(n, [0.0, 0.0, 20.0, 20.0]),
        )
    };
    for a in 0..5 {
        for b in 0..a {
            let ((d1, m1, h1), (d2, m2, h2)) = (looks(a), looks(b));
            assert!(d1 != d2 && m1 != m2 && h1 != h2, "{a} and {b}");
        }
    }
    // Colour and dashes together differ for the first 35 series.
    let both: std::collections::HashSet<_> =
        (0..35).map(|n| (palette::Ink::Series(n).class(), palette::dash(n))).collect();
    assert_eq!(both.len(), 35);
}

#[test]
fn hatches_stay_within_their_rectangle() {
    for series in 1..5 {
        let path = palette::hatch(series, [10.0, 20.0, 30.0, 7.0]);
        for point in path.split(['M', 'L']).skip(1) {
            let (x, y) = point.split_once(' ').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            assert!(
                (10.0..=40.0).contains(&x) && (20.0..=27.0).contains(&y),
                "{point} of {series}"
            );
        }
    }
}

#[test]
fn boxes_of_a_drawing_do_not_overlap_and_edges_go_down() {
    let labels = ["input", "conv 3x3", "a very long operation's name", "sum", "pool", "output"];
    let edges = [
        [0, 1],
        [0, 2],
        [1, 3],
        [2, 3],
        [0, 4],
        [3, 5],
        [4, 5],
        [0, 5],
        [1, 5],
        [5, 5],
        [5, 0],
        [9, 1],
    ];
    let drawing = Drawing::layered(&labels, &edges);
    for (i, a) in drawing.nodes.iter().enumerate() {
        for b in &drawing.nodes[..i] {
            let apart = (a.x - b.x).abs() * 2.0 >= a.width() + b.width();
            assert!(apart || a.y != b.y, "{a:?} on {b:?}");
        }
    }
    for [from, to] in &drawing.edges {
        assert!(drawing.nodes[*from].y < drawing.nodes[*to].y);
    }
    let [width, height] = drawing.size();
    assert!(
        drawing
            .nodes
            .iter()
            .all(|it| it.x - it.width() / 2.0 >= 0.0 && it.x <= width && it.y <= height)
    );
}

#[test]
fn long_text_is_wrapped_or_ends_in_an_ellipsis() {
    let lines = text::wrapped("one two verylongwordthatdoesnotfit", 10.0, 60.0);
    assert!(
        lines.len() > 2 && lines.iter().all(|line| text::width(line, 10.0) <= 60.0),
        "{lines:?}"
    );
    assert_eq!(lines.concat().replace(' ', ""), "onetwoverylongwordthatdoesnotfit");
    let short = text::clipped("a-name-that-is-too-long", 10.0, 60.0);
    assert!(short.ends_with('…') && text::width(&short, 10.0) <= 60.0);
    assert_eq!(text::clipped("short", 10.0, 60.0), "short");
}
