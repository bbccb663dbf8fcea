//! Reads parameters and a batch from a file.
//!
//! Invariant: what the file holds is used as it is or refused by name, and nothing
//! that it lacks is made up.

use super::{Batch, parameters::parts};
use osee_model::{
    graph::{Graph, Shape},
    settings::nearest,
};
use osee_sdk::{Error, Result};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};
use tch::{Kind, Tensor};

/// Name of the tensor with the images of a batch.
const INPUT: &str = "input";
/// Name of the tensor with their labels.
const TARGET: &str = "target";

/// Suffixes of the running statistics that torch's modules keep; networks here normalise
/// by the batch at hand.
const STATISTICS: [&str; 3] = [".running_mean", ".running_var", ".num_batches_tracked"];

/// Reads the parameters of `graph` from a safetensors file, and its batch (`input` and
/// `target`) if it has one. Dtypes other than float32, or int64 for labels, are converted
/// if that changes no value.
///
/// # Errors
/// When the file cannot be read, lacks a parameter or has only one of `input` and
/// `target`, or when something in it cannot be used as it is: another name, shape
/// or dtype, a value that is not finite, or a label without an output.
pub fn read(path: &Path, graph: &Graph) -> Result<(Vec<Tensor>, Option<Batch>)> {
    let bytes = fs::read(path).map_err(|error| unreadable(path, &error.to_string()))?;
    from_bytes(path, &bytes, graph)
}

/// The same of bytes that would be in the file.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(
    path: &Path,
    bytes: &[u8],
    graph: &Graph,
) -> Result<(Vec<Tensor>, Option<Batch>)> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        unreadable(path, &other_dtype(bytes).unwrap_or_else(|| error.to_string()))
    })?;
    let stored = |(name, view): (String, TensorView<'_>)| {
        let stored = Stored::of(&name, view)?;
        Ok((name, stored))
    };
    let contents =
        || contents(&file.tensors().into_iter().map(stored).collect::<Result<_>>()?, graph);
    contents().map_err(|error| Error::new(format!("weights file {}: {error}", path.display())))
}

fn unreadable(path: &Path, error: &str) -> Error {
    Error::new(format!("cannot read {} as a safetensors file: {error}", path.display()))
}

/// One tensor of the file.
struct Stored {
    /// Its values, in a dtype that torch computes with.
    tensor: Tensor,
    /// Its dtype in the file, as numpy and torch call it.
    dtype: String,
}

impl Stored {
    /// Widens unsigned integers of more than a byte, for which torch has no arithmetic.
    fn of(name: &str, view: TensorView<'_>) -> Result<Self> {
        let size: Vec<i64> = view.shape().iter().map(|&n| n as i64).collect();
        let (bytes, dtype) = (view.data(), dtype(view.dtype()));
        let of = |values: Vec<i64>| Ok(Tensor::from_slice(&values).f_view(&size[..])?);
        let tensor: Result<Tensor> = match view.dtype() {
            Dtype::U16 => of(numbers(bytes, |it| u16::from_le_bytes(it).into())),
            Dtype::U32 => of(numbers(bytes, |it| u32::from_le_bytes(it).into())),
            Dtype::U64 => {
                let values = numbers(bytes, u64::from_le_bytes);
                match values.iter().copied().map(i64::try_from).collect() {
                    Ok(values) => of(values),
                    Err(_) => Err(Error::new(format!(
                        "`{name}` is {dtype}, and has values above {}; save it as float32 or int64",
                        i64::MAX
                    ))),
                }
            }
            _ => Ok(Tensor::try_from(view)?),
        };
        Ok(Self { tensor: tensor?, dtype })
    }
}

/// Decodes little-endian numbers of `N` bytes each.
fn numbers<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.chunks_exact(N).filter_map(|it| it.try_into().ok()).map(number).collect()
}

/// The message that a tensor has an unsupported dtype, if that is what is wrong with a
/// file.
fn other_dtype(bytes: &[u8]) -> Option<String> {
    let length = usize::try_from(u64::from_le_bytes(*bytes.first_chunk()?)).ok()?;
    let header: Value = serde_json::from_slice(bytes.get(8..length.checked_add(8)?)?).ok()?;
    header.as_object()?.iter().find_map(|(name, about)| {
        let dtype = about.get("dtype")?;
        let is_known = serde_json::from_value::<Dtype>(dtype.clone()).is_ok();
        (!is_known).then(|| {
            let dtype = dtype.as_str().unwrap_or("of an unknown dtype");
            format!("`{name}` is {dtype}, which is not supported; save it as float32, or int64 for `{TARGET}`")
        })
    })
}

fn contents(
    tensors: &BTreeMap<String, Stored>,
    graph: &Graph,
) -> Result<(Vec<Tensor>, Option<Batch>)> {
    let names = || graph.parameters.iter().map(|parameter| parameter.name.as_str());
    for name in tensors.keys().filter(|name| ![INPUT, TARGET].contains(&name.as_str())) {
        if !names().any(|known| known == name) {
            return Err(superfluous(name, names()));
        }
    }
    let stored: Result<Vec<Tensor>> = graph
        .parameters
        .iter()
        .map(|parameter| {
            let name = &parameter.name;
            let stored = tensors
                .get(name)
                .ok_or_else(|| Error::new(format!("it has no parameter `{name}`")))?;
            let wanted: Vec<i64> = parameter.stored.iter().map(|&n| n as i64).collect();
            shaped(name, &stored.tensor, &wanted, "the architecture")?;
            converted(name, stored, Kind::Float)
        })
        .collect();
    let batch = match (tensors.get(INPUT), tensors.get(TARGET)) {
        (Some(images), Some(labels)) => Some(batch(images, labels, graph)?),
        (None, None) => None,
        (images, _) => {
            let (has, lacks) = if images.is_some() { (INPUT, TARGET) } else { (TARGET, INPUT) };
            return Err(Error::new(format!(
                "it has `{has}`, but no `{lacks}`; a batch is both, and images come from --data \
                 where the file has neither"
            )));
        }
    };
    Ok((parts(graph, &stored?), batch))
}

/// The error for a name that the network does not have.
fn superfluous<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    if STATISTICS.iter().any(|end| name.ends_with(end)) {
        return Error::new(format!(
            "`{name}` is not used: batch normalisation uses the statistics of the batch; leave it out"
        ));
    }
    let hint = match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "leave it out".to_owned(),
    };
    Error::new(format!("the architecture has no parameter `{name}`; {hint}"))
}

fn shaped(name: &str, tensor: &Tensor, wanted: &[i64], who: &str) -> Result<()> {
    match tensor.size() == wanted {
        true => Ok(()),
        false => Err(Error::new(format!(
            "`{name}` has shape {:?}, {who} needs {wanted:?}",
            tensor.size()
        ))),
    }
}

fn batch(images: &Stored, labels: &Stored, graph: &Graph) -> Result<Batch> {
    let Shape::Map { channels, height, width } = graph.input_shape() else {
        return Err(Error::new("the architecture takes no images"));
    };
    let image = [channels, height, width].map(|n| n as i64);
    let size = images.tensor.size();
    let count = match size.as_slice() {
        [count, own @ ..] if own == image => *count,
        _ => {
            let [channels, height, width] = image;
            return Err(Error::new(format!(
                "`{INPUT}` has shape {size:?}, the architecture needs [N, {channels}, {height}, {width}]"
            )));
        }
    };
    if count < 2 {
        return Err(Error::new(format!("`{INPUT}` has {count} images, a batch at least 2")));
    }
    shaped(TARGET, &labels.tensor, &[count], &format!("`{INPUT}`"))?;
    let images = converted(INPUT, images, Kind::Float)?;
    let labels = converted(TARGET, labels, Kind::Int64)?;
    let outputs = graph.node(graph.output).shape.channels() as i64;
    for (image, label) in Vec::<i64>::try_from(&labels)?.into_iter().enumerate() {
        if !(0..outputs).contains(&label) {
            return Err(Error::new(format!(
                "`{TARGET}` has label {label} at image {image}; the architecture's {outputs} outputs \
                 are labels 0 to {}",
                outputs - 1
            )));
        }
    }
    Batch::new(images, labels)
}

/// The same values in another dtype.
fn converted(name: &str, stored: &Stored, to: Kind) -> Result<Tensor> {
    let Stored { tensor, dtype } = stored;
    let from = tensor.kind();
    if !tensor.f_isfinite()?.f_all()?.f_double_value(&[]).is_ok_and(|all| all == 1.0) {
        return Err(Error::new(format!("`{name}` has values that are not finite")));
    }
    if from == to {
        return Ok(tensor.shallow_clone());
    }
    let converted = tensor.f_to_kind(to)?;
    let changed = converted.f_to_kind(from)?.f_not_equal_tensor(tensor)?.f_sum(Kind::Int64)?;
    let wanted = if to == Kind::Int64 { "int64" } else { "float32" };
    match changed.f_int64_value(&[])? {
        0 => Ok(converted),
        changed => Err(Error::new(format!(
            "`{name}` is {dtype}, and {changed} of its {} values are none of {wanted}; save it as that",
            tensor.numel()
        ))),
    }
}

/// The dtype's name in numpy and torch.
fn dtype(dtype: Dtype) -> String {
    let known = format!("{dtype:?}");
    match (dtype, known.split_at(1)) {
        (Dtype::BOOL, _) => "bool".to_owned(),
        (Dtype::BF16, _) => "bfloat16".to_owned(),
        (_, ("F", bits)) => format!("float{bits}"),
        (_, ("U", bits)) => format!("uint{bits}"),
        (_, ("I", bits)) => format!("int{bits}"),
        _ => known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use osee_model::graph::{ConvSpec, GraphBuilder};

    /// A convolution and a classifier: from 3 x 4 x 4 to 5 classes.
    fn graph() -> Graph {
        let mut g = GraphBuilder::new(Shape::square(3, 4));
        let x = g.conv("conv", g.input(), ConvSpec::same(2, 1));
        let x = g.global_avg_pool(x);
        let x = g.linear("head", x, 5);
        g.finish(x).unwrap()
    }

    /// A file with a batch of two images, after `change` was applied.
    fn with(
        change: impl FnOnce(&mut BTreeMap<String, Tensor>),
    ) -> std::result::Result<(Vec<Tensor>, Batch), String> {
        let mut tensors: BTreeMap<String, Tensor> = graph()
            .parameters
            .iter()
            .map(|it| {
                let shape: Vec<i64> = it.stored.iter().map(|&n| n as i64).collect();
                (it.name.clone(), Tensor::full(&shape[..], 0.5, (Kind::Float, tch::Device::Cpu)))
            })
            .collect();
        let images = Tensor::arange(96, (Kind::Float, tch::Device::Cpu)).view([2, 3, 4, 4]);
        tensors.insert("input".to_owned(), images);
        tensors.insert("target".to_owned(), Tensor::from_slice(&[0i64, 4]));
        change(&mut tensors);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("w.safetensors");
        let named: Vec<(&str, Tensor)> =
            tensors.iter().map(|(name, it)| (name.as_str(), it.contiguous())).collect();
        Tensor::write_safetensors(&named, &file).unwrap();
        let read = read(&file, &graph()).map_err(|error| {
            let text = error.to_string();
            let start = format!("weights file {}: ", file.display());
            text.strip_prefix(&start).unwrap_or(&text).to_owned()
        });
        read.map(|(values, batch)| (values, batch.unwrap()))
    }

    fn set(
        name: &str,
        change: impl Fn(&Tensor) -> Tensor,
    ) -> impl FnOnce(&mut BTreeMap<String, Tensor>) {
        move |tensors| {
            let new = change(&tensors[name]);
            tensors.insert(name.to_owned(), new);
        }
    }

    #[test]
    fn a_dtype_that_holds_the_same_values_is_converted() {
        let (plain, batch) = with(|_| ()).unwrap();
        for kind in [Kind::Half, Kind::BFloat16, Kind::Double] {
            let (values, _) = with(set("conv.weight", |it| it.to_kind(kind))).unwrap();
            assert_eq!(values, plain, "{kind:?}");
        }
        for kind in [Kind::Uint8, Kind::Int8, Kind::Int, Kind::Int64, Kind::Double, Kind::Half] {
            let (_, other) = with(set("input", |it| it.to_kind(kind))).unwrap();
            assert_eq!((&other.images, other.images.kind()), (&batch.images, Kind::Float));
        }
        for kind in [Kind::Uint8, Kind::Int16, Kind::Int, Kind::Float] {
            let (_, other) = with(set("target", |it| it.to_kind(kind))).unwrap();
            assert_eq!((other.labels(), other.labels().kind()), (batch.labels(), Kind::Int64));
        }
    }

    /// Reads a whole file in which the tensor `name` is replaced by this one.
    fn stored(name: &str, dtype: Dtype, bytes: &[u8]) -> std::result::Result<Batch, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("w.safetensors");
        let half: Vec<u8> = 0.5f32.to_le_bytes().repeat(96);
        let mut tensors: BTreeMap<String, (Dtype, Vec<usize>, &[u8])> = graph()
            .parameters
            .iter()
            .map(|it| {
                let count: usize = it.stored.iter().product();
                (it.name.clone(), (Dtype::F32, it.stored.clone(), &half[..4 * count]))
            })
            .collect();
        tensors.insert("input".to_owned(), (Dtype::F32, vec![2, 3, 4, 4], &half));
        tensors.insert("target".to_owned(), (Dtype::U8, vec![2], &[0, 4]));
        let shape = tensors[name].1.clone();
        tensors.insert(name.to_owned(), (dtype, shape, bytes));
        let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
            (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        let text = safetensors::serialize(views, &None).unwrap();
        fs::write(&file, text).unwrap();
        let read = read(&file, &graph()).map(|(_, batch)| batch.unwrap());
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn every_dtype_of_integers_is_read() {
        let wide = |of: &dyn Fn(u8) -> Vec<u8>, count: usize| {
            (0..count).map(|at| if at % 2 == 0 { 0 } else { 4 }).flat_map(of).collect::<Vec<u8>>()
        };
        type Bytes = Box<dyn Fn(u8) -> Vec<u8>>;
        let all: [(Dtype, Bytes); 8] = [
            (Dtype::U8, Box::new(|it| vec![it])),
            (Dtype::I8, Box::new(|it| vec![it])),
            (Dtype::U16, Box::new(|it| u16::from(it).to_le_bytes().to_vec())),
            (Dtype::I16, Box::new(|it| i16::from(it).to_le_bytes().to_vec())),
            (Dtype::U32, Box::new(|it| u32::from(it).to_le_bytes().to_vec())),
            (Dtype::I32, Box::new(|it| i32::from(it).to_le_bytes().to_vec())),
            (Dtype::U64, Box::new(|it| u64::from(it).to_le_bytes().to_vec())),
            (Dtype::I64, Box::new(|it| i64::from(it).to_le_bytes().to_vec())),
        ];
        for (dtype, of) in &all {
            let batch = stored("target", *dtype, &wide(of, 2)).unwrap();
            assert_eq!(*batch.labels(), Tensor::from_slice(&[0i64, 4]), "{dtype:?}");
            let batch = stored("input", *dtype, &wide(of, 96)).unwrap();
            assert_eq!(batch.images.kind(), Kind::Float);
            assert_eq!(batch.images.sum(Kind::Double).double_value(&[]), 4.0 * 48.0, "{dtype:?}");
        }
        let bools = stored("target", Dtype::BOOL, &[0, 1]).unwrap();
        assert_eq!(*bools.labels(), Tensor::from_slice(&[0i64, 1]));
    }

    #[test]
    fn a_dtype_whose_values_would_change_is_named_as_the_file_has_it() {
        let large = [0u64.to_le_bytes(), u64::MAX.to_le_bytes()].concat();
        let error = stored("target", Dtype::U64, &large).unwrap_err();
        assert!(error.contains("`target` is uint64, and has values above"), "{error}");
        let odd = u32::MAX.to_le_bytes().repeat(96);
        let error = stored("input", Dtype::U32, &odd).unwrap_err();
        assert!(
            error.contains("`input` is uint32, and 96 of its 96 values are none of float32"),
            "{error}"
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("w.safetensors");
        let header = r#"{"input":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}"#;
        let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0, 0]].concat();
        fs::write(&file, bytes).unwrap();
        let error = read(&file, &graph()).unwrap_err().to_string();
        assert!(
            error.contains("`input` is F8_E4M3, which is not supported; save it as"),
            "{error}"
        );
    }

    #[test]
    fn what_is_not_used_as_it_is_is_refused_by_name() {
        let third = |it: &Tensor| (it.to_kind(Kind::Double) + 1.0) / 3.0;
        type Change = Box<dyn FnOnce(&mut BTreeMap<String, Tensor>)>;
        let without = |name: &'static str| -> Change { Box::new(move |it| drop(it.remove(name))) };
        let extra = |name: &'static str| -> Change {
            Box::new(move |it| drop(it.insert(name.to_owned(), Tensor::from_slice(&[1f32]))))
        };
        let cases: Vec<(Change, &str)> = vec![
            (without("target"), "it has `input`, but no `target`"),
            (without("input"), "it has `target`, but no `input`"),
            (without("head.bias"), "it has no parameter `head.bias`"),
            (extra("head.baias"), "no parameter `head.baias`; did you mean `head.bias`?"),
            (extra("bn.running_mean"), "`bn.running_mean` is not used: batch normalisation uses"),
            (
                Box::new(set("conv.weight", |it| it.view([3, 2, 1, 1]))),
                "`conv.weight` has shape [3, 2, 1, 1], the architecture needs [2, 3, 1, 1]",
            ),
            (
                Box::new(set("conv.weight", |it| it.to_kind(Kind::Double) / 3.0)),
                "none of float32; save it as that",
            ),
            (
                Box::new(set("conv.weight", |it| it * f64::NAN)),
                "`conv.weight` has values that are not finite",
            ),
            (
                Box::new(set("input", third)),
                "`input` is float64, and 64 of its 96 values are none of float32",
            ),
            (Box::new(set("input", |it| it / 0.0)), "`input` has values that are not finite"),
            (
                Box::new(set("input", |it| it.view([2, 3, 2, 8]))),
                "`input` has shape [2, 3, 2, 8], the architecture needs [N, 3, 4, 4]",
            ),
            (
                Box::new(set("input", |it| it.narrow(0, 0, 1))),
                "`input` has 1 images, a batch at least 2",
            ),
            (
                Box::new(set("input", |_| Tensor::from(1.0f32))),
                "`input` has shape [], the architecture needs [N, 3, 4, 4]",
            ),
            (
                Box::new(set("target", |_| Tensor::from_slice(&[0i64, 1, 2]))),
                "`target` has shape [3], `input` needs [2]",
            ),
            (
                Box::new(set("target", |it| it.view([2, 1]))),
                "`target` has shape [2, 1], `input` needs [2]",
            ),
            (
                Box::new(set("target", |it| it + 1i64)),
                "`target` has label 5 at image 1; the architecture's 5 outputs are labels 0 to 4",
            ),
            (Box::new(set("target", |it| it - 1i64)), "`target` has label -1 at image 0"),
            (
                Box::new(set("target", |it| it.to_kind(Kind::Float) / 8.0)),
                "`target` is float32, and 1 of its 2 values are none of int64",
            ),
        ];
        for (change, what) in cases {
            let error = with(change).err().unwrap();
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn what_is_no_safetensors_file_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("w.safetensors");
        for bytes in [&b""[..], b"hello, this is text", &[0xff; 64]] {
            std::fs::write(&file, bytes).unwrap();
            let error = read(&file, &graph()).unwrap_err().to_string();
            assert!(error.contains("w.safetensors as a safetensors file: "), "{error}");
        }
    }
}
