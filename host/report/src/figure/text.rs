//! Widths of texts, and numbers in labels.
//!
//! No font is read: widths are those of the wider common fonts, so that texts fit their
//! room.

use crate::number::thousands;

/// The number in a label: at most three decimals, thousands separated, and a power of
/// ten if it is very large or small.
pub fn shown(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        0.0 => "0".to_owned(),
        _ if !(1e-3..1e7).contains(&size) => return scientific(value),
        _ if size >= 1000.0 => thousands(format_args!("{value:.0}")),
        _ if size >= 100.0 => format!("{value:.1}"),
        _ if size >= 10.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    };
    signed(&text)
}

/// Like [`shown`], but a number that is small beside `largest` gets three decimals
/// instead of a power of ten.
pub(super) fn shown_among(value: f64, largest: f64) -> String {
    match value.abs() < 1e-3 && (1e-2..1e3).contains(&largest) {
        true => places(value, 3),
        false => shown(value),
    }
}

/// The number with this many decimals.
pub(super) fn places(value: f64, places: usize) -> String {
    match value.abs() >= 1000.0 && places == 0 {
        true => signed(&thousands(format_args!("{value:.0}"))),
        false => signed(&format!("{value:.places$}")),
    }
}

/// Uses a minus sign as wide as a digit, and none before zero.
fn signed(text: &str) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.contains(|c: char| ('1'..='9').contains(&c)) => {
            format!("\u{2212}{rest}")
        }
        Some(rest) => rest.to_owned(),
        None => text.to_owned(),
    }
}

/// The number with a power of ten, such as `2.5×10⁶`.
pub(super) fn scientific(value: f64) -> String {
    let text = format!("{value:.2e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let power: String = power
        .chars()
        .map(|c| match c.to_digit(10) {
            Some(digit) => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize],
            None => '⁻',
        })
        .collect();
    match mantissa {
        "1" => format!("10{power}"),
        "-1" => format!("\u{2212}10{power}"),
        _ => format!("{}×10{power}", signed(mantissa)),
    }
}

/// Upper estimate of a text's width at this font size, in pixels.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let of = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '\'' | ' ' | '!' => 0.34,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' => 0.43,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.97,
        'A'..='Z' | '\u{2212}' | '×' | '+' | '=' | '~' => 0.76,
        c if c.is_ascii() => 0.63,
        // Beyond Latin, Greek and Cyrillic, many letters are as wide as they are high.
        c if c < '\u{1100}' => 0.65,
        c if ('\u{2000}'..'\u{2e80}').contains(&c) => 0.8,
        _ => 1.1,
    };
    text.chars().map(of).sum::<f64>() * size
}

/// Lines that fit the room; a word that does not fit is broken.
pub(super) fn wrapped(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a first line");
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&longer, size) <= room {
            *line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(String::new());
        }
        for c in word.chars() {
            let line = lines.last_mut().expect("there is a first line");
            if width(line, size) + width("m", size) > room && !line.is_empty() {
                lines.push(c.to_string());
            } else {
                line.push(c);
            }
        }
    }
    lines
}

/// The text or, if it does not fit, its beginning and an ellipsis.
pub(super) fn clipped(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        if width(&short, size) + width(&format!("{c}…"), size) > room {
            break;
        }
        short.push(c);
    }
    short.truncate(short.trim_end().len());
    short + "…"
}
