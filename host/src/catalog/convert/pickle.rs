//! Reads the part of Python's pickle format that tables use: numbers, text, lists,
//! tuples, dicts, and objects of classes that the caller names. Nothing is imported
//! or run: a class is only a name, an object only its attributes. Any other
//! instruction or class is refused.

use std::{collections::HashMap, rc::Rc};

/// A value in a pickle. Containers are positions in the [`Pickle`], so that none can
/// hold itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A Unicode string.
    Text(Rc<str>),
    /// A list or tuple, by position.
    List(usize),
    /// A dict, by position.
    Dict(usize),
    /// A class, by its position among those that the caller named.
    Class(usize),
    /// An object, by position.
    Object(usize),
    /// Marks where the items of a container begin.
    Mark,
}

#[derive(Debug)]
struct Object {
    class: usize,
    attributes: Option<usize>,
}

/// The contents of a pickle.
#[derive(Debug, Default)]
pub struct Pickle {
    lists: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
    objects: Vec<Object>,
    root: Option<Value>,
}

impl Pickle {
    /// Reads a pickle whose objects are of these classes (module, name).
    ///
    /// # Errors
    /// Place and reason, if it cannot be read.
    pub fn read(bytes: &[u8], classes: &[(&str, &str)]) -> Result<Self, String> {
        let mut machine = Machine {
            bytes,
            at: 0,
            classes,
            stack: Vec::new(),
            memo: HashMap::new(),
            pickle: Self::default(),
        };
        loop {
            let at = machine.at;
            match machine.step() {
                Ok(None) => {}
                Ok(Some(root)) => {
                    machine.pickle.root = Some(root);
                    return Ok(machine.pickle);
                }
                Err(what) => return Err(format!("is refused as a pickle at byte {at}: {what}")),
            }
        }
    }

    /// The outermost value.
    pub fn root(&self) -> Option<&Value> {
        self.root.as_ref()
    }

    /// The items of a list or tuple; `None` for any other value.
    pub fn list(&self, value: &Value) -> Option<&[Value]> {
        match value {
            Value::List(at) => self.lists.get(*at).map(Vec::as_slice),
            _ => None,
        }
    }

    /// The pairs of a dict; `None` for any other value.
    pub fn dict(&self, value: &Value) -> Option<&[(Value, Value)]> {
        match value {
            Value::Dict(at) => self.dicts.get(*at).map(Vec::as_slice),
            _ => None,
        }
    }

    /// An attribute of an object of the class at this position.
    pub fn attribute(&self, value: &Value, class: usize, name: &str) -> Option<&Value> {
        let Value::Object(at) = value else { return None };
        let object = self.objects.get(*at).filter(|it| it.class == class)?;
        let attributes = self.dicts.get(object.attributes?)?;
        let named = |key: &Value| matches!(key, Value::Text(text) if **text == *name);
        attributes.iter().find(|(key, _)| named(key)).map(|(_, value)| value)
    }
}

impl Value {
    /// The value as `f64`; `None` if it is no number.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    classes: &'a [(&'a str, &'a str)],
    stack: Vec<Value>,
    memo: HashMap<usize, Value>,
    pickle: Pickle,
}

impl<'a> Machine<'a> {
    /// Executes one instruction; the last one returns the result.
    fn step(&mut self) -> Result<Option<Value>, String> {
        let [code] = self.fixed()?;
        match code {
            // PROTO, FRAME
            0x80 => match self.fixed()? {
                [2..=5] => {}
                [other] => return Err(format!("protocol {other} is not known")),
            },
            0x95 => drop(self.fixed::<8>()?),
            // STOP
            b'.' => return self.pop().map(Some),
            b'(' => self.stack.push(Value::Mark),
            // BININT, BININT1, BININT2, BINFLOAT
            b'J' => {
                let number = i32::from_le_bytes(self.fixed()?);
                self.stack.push(Value::Int(number.into()));
            }
            b'K' => {
                let [number] = self.fixed()?;
                self.stack.push(Value::Int(number.into()));
            }
            b'M' => {
                let number = u16::from_le_bytes(self.fixed()?);
                self.stack.push(Value::Int(number.into()));
            }
            b'G' => {
                let number = f64::from_be_bytes(self.fixed()?);
                self.stack.push(Value::Float(number));
            }
            // SHORT_BINUNICODE, BINUNICODE
            0x8c => {
                let [length] = self.fixed()?;
                self.text(length.into())?;
            }
            b'X' => {
                let length = self.length()?;
                self.text(length)?;
            }
            // EMPTY_LIST, EMPTY_TUPLE, EMPTY_DICT
            b']' | b')' => self.push_list(Vec::new()),
            b'}' => {
                self.pickle.dicts.push(Vec::new());
                self.stack.push(Value::Dict(self.pickle.dicts.len() - 1));
            }
            // TUPLE, APPENDS, SETITEMS
            b't' => {
                let items = self.since_mark()?;
                self.push_list(items);
            }
            b'e' => {
                let items = self.since_mark()?;
                let Some(Value::List(at)) = self.stack.last() else {
                    return Err("items without a list".to_owned());
                };
                self.pickle.lists[*at].extend(items);
            }
            b'u' => self.set_items()?,
            // MEMOIZE, BINPUT, LONG_BINPUT, BINGET, LONG_BINGET
            0x94 => self.put(self.memo.len())?,
            b'q' => {
                let [at] = self.fixed()?;
                self.put(at.into())?;
            }
            b'r' => {
                let at = self.length()?;
                self.put(at)?;
            }
            b'h' => {
                let [at] = self.fixed()?;
                self.get(at.into())?;
            }
            b'j' => {
                let at = self.length()?;
                self.get(at)?;
            }
            // STACK_GLOBAL, NEWOBJ, BUILD
            0x93 => self.class()?,
            0x81 => self.object()?,
            b'b' => self.build()?,
            other => {
                let shown = other.escape_ascii();
                return Err(format!("instruction `{shown}` is not one that a table needs"));
            }
        }
        Ok(None)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let taken = self.bytes[self.at..].get(..count).ok_or("it ends early")?;
        self.at += count;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| "it ends early".to_owned())
    }

    fn length(&mut self) -> Result<usize, String> {
        let length = u32::from_le_bytes(self.fixed()?);
        usize::try_from(length).map_err(|error| error.to_string())
    }

    fn text(&mut self, length: usize) -> Result<(), String> {
        let text = std::str::from_utf8(self.take(length)?).map_err(|error| error.to_string())?;
        self.stack.push(Value::Text(text.into()));
        Ok(())
    }

    fn push_list(&mut self, items: Vec<Value>) {
        self.pickle.lists.push(items);
        self.stack.push(Value::List(self.pickle.lists.len() - 1));
    }

    fn pop(&mut self) -> Result<Value, String> {
        match self.stack.pop() {
            Some(Value::Mark) | None => Err("a value is missing".to_owned()),
            Some(value) => Ok(value),
        }
    }

    fn since_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.stack.iter().rposition(|it| *it == Value::Mark);
        let items = self.stack.split_off(mark.ok_or("items without a mark")? + 1);
        self.stack.pop();
        Ok(items)
    }

    fn set_items(&mut self) -> Result<(), String> {
        let items = self.since_mark()?;
        let Some(Value::Dict(at)) = self.stack.last() else {
            return Err("items without a dict".to_owned());
        };
        if items.len() % 2 == 1 {
            return Err("a key without a value".to_owned());
        }
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            self.pickle.dicts[*at].push((key, value));
        }
        Ok(())
    }

    fn put(&mut self, at: usize) -> Result<(), String> {
        let value = self.stack.last().filter(|it| **it != Value::Mark).cloned();
        self.memo.insert(at, value.ok_or("nothing to memoize")?);
        Ok(())
    }

    fn get(&mut self, at: usize) -> Result<(), String> {
        let value = self.memo.get(&at).cloned().ok_or("nothing was memoized there")?;
        self.stack.push(value);
        Ok(())
    }

    fn class(&mut self) -> Result<(), String> {
        let (name, module) = (self.pop()?, self.pop()?);
        let (Value::Text(module), Value::Text(name)) = (module, name) else {
            return Err("a class without a name".to_owned());
        };
        let known = self.classes.iter().position(|it| *it == (&*module, &*name));
        let class =
            known.ok_or_else(|| format!("`{module}.{name}` is not a class of this table"))?;
        self.stack.push(Value::Class(class));
        Ok(())
    }

    fn object(&mut self) -> Result<(), String> {
        let (arguments, class) = (self.pop()?, self.pop()?);
        let (Value::Class(class), Some([])) = (class, self.pickle.list(&arguments)) else {
            return Err("an object made in an unsupported way".to_owned());
        };
        self.pickle.objects.push(Object { class, attributes: None });
        self.stack.push(Value::Object(self.pickle.objects.len() - 1));
        Ok(())
    }

    fn build(&mut self) -> Result<(), String> {
        let (attributes, object) = (self.pop()?, self.stack.last());
        match (attributes, object) {
            (Value::Dict(attributes), Some(Value::Object(at)))
                if self.pickle.objects[*at].attributes.is_none() =>
            {
                self.pickle.objects[*at].attributes = Some(attributes);
                Ok(())
            }
            _ => Err("an object filled in an unsupported way".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [(&str, &str); 1] = [("m", "A")];

    fn text(text: &str) -> Vec<u8> {
        [&[0x8c, text.len() as u8], text.as_bytes()].concat()
    }

    #[test]
    fn an_object_is_its_attributes() {
        // The object A() with x = 1.5 and y = (1, -2).
        let bytes = [
            &[0x80, 4][..],
            &text("m"),
            &text("A"),
            &[0x93, b')', 0x81, b'}', b'('],
            &text("x"),
            b"G\x3f\xf8\0\0\0\0\0\0",
            &text("y"),
            b"(K\x01J\xfe\xff\xff\xfftubh\0.",
        ]
        .concat();
        let error = Pickle::read(&bytes, &CLASSES).unwrap_err();
        assert!(error.contains("nothing was memoized"), "{error}");
        let bytes = [&bytes[..bytes.len() - 3], b"."].concat();
        let pickle = Pickle::read(&bytes, &CLASSES).unwrap();
        let root = pickle.root().unwrap();
        assert_eq!(pickle.attribute(root, 0, "x").and_then(Value::number), Some(1.5));
        let pair = pickle.list(pickle.attribute(root, 0, "y").unwrap()).unwrap();
        assert_eq!(pair, [Value::Int(1), Value::Int(-2)]);
        assert_eq!(pickle.attribute(root, 0, "z"), None);
        assert_eq!(pickle.attribute(root, 1, "x"), None);
    }

    #[test]
    fn what_would_run_anything_is_refused() {
        let global = [&[0x80, 4][..], &text("os"), &text("system"), &[0x93, b'.']].concat();
        for (bytes, why) in [
            // A call of os.system.
            (global.as_slice(), "`os.system` is not a class"),
            (b"\x80\x02cos\nsystem\n(S'true'\ntR.", "instruction `c`"),
            (b"\x80\x04\x8c\x01m\x8c\x01A\x93)R.", "instruction `R`"),
            (b"\x80\x04\x8c\x01m\x8c\x01A\x93(K\x01t\x81.", "made in an unsupported way"),
            (b"\x80\x04\x8c\x01m\x8c\x01A\x93)\x81K\x01b.", "filled in an unsupported way"),
            (b"\x80\x04imodule\nname\n.", "instruction `i`"),
            (b"\x80\x04\x82\x01.", "instruction `\\x82`"),
            (b"\x80\x04P1\n.", "instruction `P`"),
            (b"\x80\x09.", "protocol 9"),
            (b"", "ends early"),
            (b"\x80\x04X\xff\xff\xff\xffabc", "ends early"),
            (b"\x80\x04.", "a value is missing"),
            (b"\x80\x04(.", "a value is missing"),
            (b"\x80\x04K\x01e", "without a mark"),
            (b"\x80\x04K\x01(e", "without a list"),
            (b"\x80\x04}(K\x01u.", "without a value"),
            (b"\x80\x04\x94.", "nothing to memoize"),
        ] {
            let error = Pickle::read(bytes, &CLASSES).unwrap_err();
            assert!(error.contains(why), "{error} {why}");
        }
    }

    #[test]
    fn a_list_that_would_hold_itself_and_depth_do_no_harm() {
        // The list of `l = []; l.append(l)`.
        let pickle = Pickle::read(b"\x80\x04]\x94(h\0e.", &[]).unwrap();
        assert_eq!(pickle.list(pickle.root().unwrap()).unwrap(), [Value::List(0)]);
        let deep =
            [&b"\x80\x04"[..], &b"(".repeat(1_000_000), &b"t".repeat(1_000_000), b"."].concat();
        assert!(Pickle::read(&deep, &[]).unwrap().root().is_some());
    }
}
