//! Reads a text from left to right.

use super::{DEPTH, Data, LONGEST, Literal, Misread, Result};

/// A text and the place up to which it was read.
#[derive(Debug, Clone)]
pub struct Reader<'t> {
    text: &'t str,
    at: usize,
}

/// Calls whose value is that of their only argument: `np.array([0, 1])`, `np.int64(3)`.
const LISTS: [&str; 4] = ["list", "tuple", "array", "asarray"];
const NUMBERS: [&str; 14] = [
    "int", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float",
    "float16", "float32", "float64", "bool_",
];

impl<'t> Reader<'t> {
    /// Starts at the beginning of `text`.
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Byte offset of what comes next, after any space.
    pub fn place(&mut self) -> usize {
        self.skip_space();
        self.at
    }

    /// The next word or character, for a message.
    fn found(&mut self) -> String {
        self.skip_space();
        match self.rest().chars().next() {
            Some(next) if is_name(next) => {
                let word: String =
                    self.rest().chars().take_while(|c| is_name(*c)).take(40).collect();
                format!("`{word}`")
            }
            Some(next) => format!("`{next}`"),
            None => "the end".to_owned(),
        }
    }

    /// The error that `what` was expected and something else comes next.
    pub fn expected(&mut self, what: &str) -> Misread {
        let found = self.found();
        Misread::new(self.at, format!("expected {what}, found {found}"))
    }

    /// True if `token` comes next.
    pub fn sees(&mut self, token: &str) -> bool {
        self.skip_space();
        self.rest().starts_with(token)
    }

    /// Skips `token` if it comes next; returns whether it did.
    pub fn eat(&mut self, token: &str) -> bool {
        let there = self.sees(token);
        if there {
            self.at += token.len();
        }
        there
    }

    /// Skips `token`.
    ///
    /// # Errors
    /// If something else comes next.
    pub fn expect(&mut self, token: &str) -> Result<()> {
        match self.eat(token) {
            true => Ok(()),
            false => Err(self.expected(&format!("`{token}`"))),
        }
    }

    /// Checks that the text is at its end.
    ///
    /// # Errors
    /// If any text is left.
    pub fn end(&mut self) -> Result<()> {
        self.skip_space();
        match self.rest() {
            "" => Ok(()),
            rest => {
                let rest: String = rest.chars().take(40).collect();
                Err(Misread::new(self.at, format!("expected the end, found `{}`", rest.trim_end())))
            }
        }
    }

    /// The text up to one of `stops` or the end, without surrounding space, and its byte offset.
    pub fn token(&mut self, stops: &[char]) -> (usize, &'t str) {
        self.skip_space();
        let (at, rest) = (self.at, self.rest());
        let token = &rest[..rest.find(stops).unwrap_or(rest.len())];
        self.at += token.len();
        (at, token.trim_end())
    }

    /// Reads a name such as `normal_concat` or `np.int64`.
    fn name(&mut self) -> Option<&'t str> {
        self.skip_space();
        let rest = self.rest();
        rest.chars().next().filter(|first| is_name(*first) && !first.is_ascii_digit())?;
        let name = &rest[..rest.find(|c| !is_name(c) && c != '.').unwrap_or(rest.len())];
        self.at += name.len();
        Some(name)
    }

    /// Reads all of the text as `key=value, ..` or `CALL(key=value, ..)`, and returns the values in
    /// the order of `keys`. A key is one name, or several names that mean the same with the usual
    /// one first. Without a call, commas may be left out; a call may be assigned to a name (`NAME =
    /// CALL(..)`).
    ///
    /// # Errors
    /// If the text has any other form, repeats a key or has an unknown one.
    pub fn keywords(mut self, calls: &[&str], keys: &[&[&str]]) -> Result<Vec<Option<Literal>>> {
        let mut values: Vec<Option<Literal>> = keys.iter().map(|_| None).collect();
        let names: Vec<&str> = keys.iter().map(|names| names[0]).collect();
        let what = match calls.first() {
            Some(call) => format!("`{call}(` or `{}=`", names[0]),
            None => format!("`{}=`", names[0]),
        };
        let called = self.call(calls);
        let close = if called { ")" } else { "" };
        loop {
            if called && self.eat(close) || !called && self.rest().trim_start().is_empty() {
                break;
            }
            let at = self.place();
            let Some(name) = self.name() else { return Err(self.expected(&what)) };
            let Some(position) = keys.iter().position(|names| names.contains(&name)) else {
                return Err(match self.sees("=") {
                    true => Misread::unknown(at, "keyword", name, &names),
                    false => Misread::new(at, format!("expected {what}, found `{name}`")),
                });
            };
            self.expect("=")?;
            if values[position].is_some() {
                return Err(Misread::new(at, format!("`{name}` is given twice")));
            }
            values[position] = Some(self.literal()?);
            if !self.eat(",") && called && !self.sees(close) {
                return Err(self.expected("`,` or `)`"));
            }
        }
        self.end()?;
        Ok(values)
    }

    /// Skips `CALL(` or `NAME = CALL(` if it comes next.
    fn call(&mut self, calls: &[&str]) -> bool {
        let one = |reader: &mut Self| {
            let name = reader.name().and_then(|name| name.rsplit('.').next());
            name.is_some_and(|name| calls.contains(&name)) && reader.eat("(")
        };
        let mut ahead = self.clone();
        let mut found = one(&mut ahead);
        if !found {
            ahead = self.clone();
            found = ahead.name().is_some() && ahead.eat("=") && one(&mut ahead);
        }
        if found {
            *self = ahead;
        }
        found
    }

    /// Reads a literal.
    ///
    /// # Errors
    /// If no literal comes next.
    pub fn literal(&mut self) -> Result<Literal> {
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Result<Literal> {
        let at = self.place();
        if depth > DEPTH {
            return Err(Misread::new(at, format!("lists nested more than {DEPTH} deep")));
        }
        let data = match self.rest().chars().next() {
            Some('[') => {
                self.at += 1;
                Data::List(self.items("]", depth)?.0)
            }
            Some('(') => {
                self.at += 1;
                // As in Python, a comma makes a tuple.
                match self.items(")", depth)? {
                    (mut one, false) if one.len() == 1 => one.swap_remove(0).data,
                    (several, _) => Data::List(several),
                }
            }
            Some(quote @ ('\'' | '"')) => Data::Text(self.string(quote)?),
            Some('0'..='9' | '+' | '-' | '.') => self.number()?,
            Some(first) if is_name(first) => {
                let name = self.name().unwrap_or_default();
                match self.eat("(") {
                    true => self.called(at, name, depth)?,
                    false => Data::Text(name.to_owned()),
                }
            }
            _ => return Err(self.expected("a number, a string, a list or a range")),
        };
        Ok(Literal { at, data })
    }

    /// The values before `close`, and whether a comma comes right before it.
    fn items(&mut self, close: &str, depth: usize) -> Result<(Vec<Literal>, bool)> {
        let (mut items, mut comma) = (Vec::new(), false);
        while !self.eat(close) {
            if !items.is_empty() && !comma {
                return Err(self.expected(&format!("`,` or `{close}`")));
            }
            items.push(self.nested(depth + 1)?);
            comma = self.eat(",");
        }
        Ok((items, comma))
    }

    fn string(&mut self, quote: char) -> Result<String> {
        let start = self.at;
        let inside = &self.rest()[1..];
        let Some(end) =
            inside.find([quote, '\n', '\\']).filter(|end| inside[*end..].starts_with(quote))
        else {
            let what = format!("a string that lacks its closing {quote} or has an escape in it");
            return Err(Misread::new(start, what));
        };
        self.at += end + 2;
        Ok(inside[..end].to_owned())
    }

    fn number(&mut self) -> Result<Data> {
        let (start, rest) = (self.at, self.rest());
        // A sign belongs to a number only at its start and after the e of an exponent.
        let mut before = 'e';
        let end = rest.find(|c: char| {
            let part =
                is_name(c) || c == '.' || matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
            before = c;
            !part
        });
        let text = &rest[..end.unwrap_or(rest.len())];
        self.at += text.len();
        let whole = text.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
        let read = match whole {
            true => text.parse().ok().map(Data::Int),
            false => text.parse().ok().filter(|it: &f64| it.is_finite()).map(Data::Float),
        };
        read.ok_or_else(|| {
            Misread::new(start, format!("`{}` is not a number in range", super::shown(text)))
        })
    }

    /// The value of `NAME(..)`; its opening bracket has been read.
    fn called(&mut self, at: usize, name: &str, depth: usize) -> Result<Data> {
        let short = name.rsplit('.').next().unwrap_or(name);
        if !["range", "arange", "str_"].contains(&short)
            && !LISTS.contains(&short)
            && !NUMBERS.contains(&short)
        {
            let what = "expected a literal, list(..), range(..), np.array(..) or np.int64(..)";
            return Err(Misread::new(at, format!("{what}, found `{}(`", super::shown(name))));
        }
        let mut given = Vec::new();
        while !self.eat(")") {
            let mut ahead = self.clone();
            if LISTS.contains(&short) && ahead.name() == Some("dtype") && ahead.eat("=") {
                // The dtype says how an array is stored and changes none of its numbers.
                ahead.nested(depth + 1)?;
                *self = ahead;
            } else {
                given.push(self.nested(depth + 1)?);
            }
            if !self.eat(",") && !self.sees(")") {
                return Err(self.expected("`,` or `)`"));
            }
        }
        if let "range" | "arange" = short {
            return range(at, &given);
        }
        let [one] = given.as_slice() else {
            return Err(Misread::new(
                at,
                format!("`{short}` takes one value, found {}", given.len()),
            ));
        };
        match short {
            "str_" => one.text("a string").map(drop)?,
            _ if LISTS.contains(&short) => one.list("a list").map(drop)?,
            _ => one.number("a number").map(drop)?,
        }
        Ok(given.swap_remove(0).data)
    }
}

/// The numbers of `range(start, stop, step)`; `start` and `step` may be left out.
fn range(at: usize, given: &[Literal]) -> Result<Data> {
    let numbers: Vec<i64> =
        given.iter().map(|it| it.int("a whole number")).collect::<Result<_>>()?;
    let (start, stop, step) = match *numbers.as_slice() {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        [start, stop, step] if step != 0 => (start, stop, step),
        [_, _, _] => return Err(Misread::new(at, "a range cannot go in steps of 0")),
        _ => {
            let what = format!("a range takes one to three numbers, found {}", given.len());
            return Err(Misread::new(at, what));
        }
    };
    let mut list = Vec::new();
    let mut next = Some(start);
    while let Some(number) = next.filter(|it| if step > 0 { *it < stop } else { *it > stop }) {
        if list.len() == LONGEST {
            return Err(Misread::new(at, format!("a range of more than {LONGEST} numbers")));
        }
        list.push(Literal { at, data: Data::Int(number) });
        next = number.checked_add(step);
    }
    Ok(Data::List(list))
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
