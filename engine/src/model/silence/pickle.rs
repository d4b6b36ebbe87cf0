//! A stack machine for the one pickle we accept: the call that rebuilds a tensor from a storage.
//!
//! It recognises the names of that call and never looks anything up, so a pickle can make it do nothing but fail.

/// Most opcodes read; one tensor needs about fifty.
const MOST_STEPS: usize = 1000;
/// Most values that a pickle may remember.
const MOST_MEMORIES: usize = 256;
/// Deepest shape accepted.
const MOST_AXES: usize = 8;

/// How the storage's numbers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IEEE single.
    F32,
    /// IEEE half.
    F16,
    /// bfloat16.
    Bf16,
}

/// A tensor as the pickle describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Type of the numbers.
    pub kind: Kind,
    /// Key of the storage: the entry `data/{storage}`.
    pub storage: String,
    /// First number, in numbers.
    pub offset: usize,
    /// One entry an axis.
    pub shape: Vec<usize>,
    /// Distance of neighbours on each axis, in numbers.
    pub strides: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Mark,
    Name(String),
    Text(String),
    Whole(i64),
    Switch,
    Tuple(Vec<Value>),
    Storage(Kind, String),
    Dictionary,
    Tensor(Described),
}

/// Reads the pickle of one tensor.
///
/// # Errors
/// The opcode or the value that does not belong to the description of a single tensor.
pub fn read(bytes: &[u8]) -> Result<Described, String> {
    let mut machine = Machine { bytes, at: 0, stack: Vec::new(), memory: Vec::new() };
    for _ in 0..MOST_STEPS {
        if machine.step()? {
            return match (machine.stack.pop(), machine.stack.is_empty()) {
                (Some(Value::Tensor(tensor)), true) => Ok(tensor),
                (other, _) => Err(format!("the pickle holds {}, expected one tensor", name_of(other.as_ref()))),
            };
        }
    }
    Err(format!("the pickle goes on after {MOST_STEPS} steps, expected one tensor"))
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    memory: Vec<(u32, Value)>,
}

impl Machine<'_> {
    /// Does one opcode; true at the end.
    fn step(&mut self) -> Result<bool, String> {
        let start = self.at;
        match self.take(1)?[0] {
            0x80 => match self.take(1)?[0] {
                2..=5 => {}
                other => return Err(format!("pickle protocol {other}, expected 2 to 5")),
            },
            b'c' => {
                let name = format!("{}.{}", self.line()?, self.line()?);
                self.stack.push(Value::Name(name));
            }
            b'X' => {
                let length = self.u32()? as usize;
                let text = std::str::from_utf8(self.take(length)?).map_err(|_| "text that is not UTF-8".to_owned())?;
                let text = text.to_owned();
                self.stack.push(Value::Text(text));
            }
            b'(' => self.stack.push(Value::Mark),
            b')' => self.stack.push(Value::Tuple(Vec::new())),
            b't' => self.tuple_to_mark()?,
            code @ 0x85..=0x87 => self.tuple_of(usize::from(code - 0x84))?,
            b'K' => {
                let number = self.take(1)?[0];
                self.stack.push(Value::Whole(number.into()));
            }
            b'M' => {
                let number = self.take(2)?;
                let number = u16::from_le_bytes([number[0], number[1]]);
                self.stack.push(Value::Whole(number.into()));
            }
            b'J' => {
                let number = self.u32()? as i32;
                self.stack.push(Value::Whole(number.into()));
            }
            0x88 | 0x89 => self.stack.push(Value::Switch),
            b'q' => {
                let place = self.take(1)?[0];
                self.remember(place.into())?;
            }
            b'r' => {
                let place = self.u32()?;
                self.remember(place)?;
            }
            b'h' => {
                let place = self.take(1)?[0];
                self.recall(place.into())?;
            }
            b'j' => {
                let place = self.u32()?;
                self.recall(place)?;
            }
            b'Q' => self.storage()?,
            b'R' => self.call()?,
            b'.' => return Ok(true),
            other => return Err(format!("opcode {other:#04x} at byte {start} does not describe a tensor")),
        }
        Ok(false)
    }

    fn take(&mut self, count: usize) -> Result<&[u8], String> {
        let end = self.at.checked_add(count).filter(|it| *it <= self.bytes.len());
        let end = end.ok_or_else(|| format!("the pickle ends inside an opcode at byte {}", self.at))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, String> {
        self.take(4).map(|it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]))
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&it| it == b'\n').ok_or("the pickle ends inside a name")?;
        let line = std::str::from_utf8(&rest[..length]).map_err(|_| "a name that is not UTF-8".to_owned())?.to_owned();
        self.at += length + 1;
        Ok(line)
    }

    fn pop(&mut self) -> Result<Value, String> {
        self.stack.pop().ok_or_else(|| "the pickle takes more values than it gave".into())
    }

    fn tuple_to_mark(&mut self) -> Result<(), String> {
        let mark = self.stack.iter().rposition(|it| *it == Value::Mark).ok_or("a tuple without beginning")?;
        let items = self.stack.split_off(mark + 1);
        self.stack[mark] = Value::Tuple(items);
        Ok(())
    }

    fn tuple_of(&mut self, count: usize) -> Result<(), String> {
        let first = self.stack.len().checked_sub(count).ok_or("a tuple of more values than there are")?;
        let items = self.stack.split_off(first);
        self.stack.push(Value::Tuple(items));
        Ok(())
    }

    fn remember(&mut self, place: u32) -> Result<(), String> {
        let value = self.stack.last().ok_or("nothing to remember")?;
        // Only short values may come back; a tuple of remembered tuples could grow without bound.
        if matches!(value, Value::Name(_) | Value::Text(_) | Value::Whole(_)) {
            if MOST_MEMORIES <= self.memory.len() {
                return Err(format!("more than {MOST_MEMORIES} remembered values"));
            }
            self.memory.push((place, value.clone()));
        }
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<(), String> {
        let value = self.memory.iter().rev().find(|(it, _)| *it == place).map(|(_, value)| value.clone());
        self.stack.push(value.ok_or_else(|| format!("recalls value {place}, which is not a name, text or number"))?);
        Ok(())
    }

    /// `('storage', torch.FloatStorage, key, device, count)`.
    fn storage(&mut self) -> Result<(), String> {
        let value = self.pop()?;
        let Value::Tuple(items) = &value else {
            return Err(format!("a storage described by {}", name_of(Some(&value))));
        };
        let [Value::Text(tag), Value::Name(class), Value::Text(key), Value::Text(_), Value::Whole(_)] = &items[..]
        else {
            return Err("a storage that is not (tag, type, key, device, count)".into());
        };
        let kind = match class.as_str() {
            "torch.FloatStorage" => Kind::F32,
            "torch.HalfStorage" => Kind::F16,
            "torch.BFloat16Storage" => Kind::Bf16,
            other => return Err(format!("numbers of type {other}, expected float, half or bfloat16")),
        };
        if tag != "storage" || key.is_empty() || !key.bytes().all(|it| it.is_ascii_digit()) {
            return Err(format!("a storage called `{tag}` `{key}`"));
        }
        self.stack.push(Value::Storage(kind, key.clone()));
        Ok(())
    }

    /// The two calls of the description: the tensor itself and the empty dictionary of its hooks.
    fn call(&mut self) -> Result<(), String> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let (Value::Tuple(arguments), Value::Name(function)) = (arguments, function) else {
            return Err("a call of something that is no name".into());
        };
        let value = match (function.as_str(), &arguments[..]) {
            ("collections.OrderedDict", []) => Value::Dictionary,
            (
                "torch._utils._rebuild_tensor_v2",
                [Value::Storage(kind, key), Value::Whole(offset), shape, strides, Value::Switch, Value::Dictionary],
            ) => {
                let offset = usize::try_from(*offset).map_err(|_| format!("offset {offset}"))?;
                let (shape, strides) = (axes(shape)?, axes(strides)?);
                if shape.len() != strides.len() {
                    return Err(format!("shape {shape:?} with strides {strides:?}"));
                }
                Value::Tensor(Described { kind: *kind, storage: key.clone(), offset, shape, strides })
            }
            _ => return Err(format!("a call of `{function}` that does not rebuild a tensor")),
        };
        self.stack.push(value);
        Ok(())
    }
}

fn axes(value: &Value) -> Result<Vec<usize>, String> {
    let Value::Tuple(items) = value else { return Err("a shape that is no tuple".into()) };
    let axis = |it: &Value| match it {
        Value::Whole(number) => usize::try_from(*number).ok(),
        _ => None,
    };
    let axes: Option<Vec<usize>> = items.iter().map(axis).collect();
    axes.filter(|it| it.len() <= MOST_AXES).ok_or_else(|| format!("shape or strides {items:?}"))
}

fn name_of(value: Option<&Value>) -> &'static str {
    match value {
        None => "nothing",
        Some(Value::Mark) => "an open tuple",
        Some(Value::Name(_)) => "a name",
        Some(Value::Text(_)) => "text",
        Some(Value::Whole(_)) => "a number",
        Some(Value::Switch) => "a switch",
        Some(Value::Tuple(_)) => "a tuple",
        Some(Value::Storage(..)) => "a storage",
        Some(Value::Dictionary) => "a dictionary",
        Some(Value::Tensor(_)) => "a tensor and more",
    }
}
