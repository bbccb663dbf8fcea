//! Original files to the table or the folder of images that is used: a reader
//! per format. Nothing in a file is run, and no name in an archive is a path.

mod analog;
mod archive;
mod hw_nas_bench;
pub mod images;
mod nb101;
mod nb201;
mod nb_macro;
mod nds;
pub(crate) mod pickle;
mod plain;
mod table;
mod tfrecord;
mod tnb101;

use super::{
    entry::{Converter, Entry},
    error::Fault,
};
use crate::stop::Stop;
use std::path::{Path, PathBuf};
use table::Out;

/// Writes into `folder` what is made of the original files, in the order of the
/// catalogue; what was written, relative to it.
///
/// # Errors
/// Files that are not what the catalogue says.
pub fn convert(
    entry: &Entry,
    originals: &[PathBuf],
    folder: &Path,
    stop: &Stop,
) -> Result<Vec<String>, Fault> {
    let converter = entry.converter.ok_or_else(|| Fault::Content("nothing reads it".to_owned()))?;
    if let Some(layout) = images::Layout::of(entry) {
        return layout.convert(originals, folder, stop);
    }
    let out = Out { entry, path: folder.join(entry.table()) };
    match converter {
        Converter::AnalogNasbench => analog::convert(one(originals)?, &out),
        Converter::Nb201 => nb201::convert(originals, &out),
        Converter::Nds => nds::convert(one(originals)?, &out),
        Converter::NbMacro => nb_macro::convert(one(originals)?, &out),
        Converter::Tnb101 => tnb101::convert(one(originals)?, &out),
        Converter::Nb101 => nb101::convert(one(originals)?, &out, stop),
        Converter::HwNasBench => hw_nas_bench::convert(originals, &out),
        Converter::Csv | Converter::Cifar10 | Converter::Cifar100 | Converter::ImageNet16 => {
            plain::convert(originals, &out)
        }
    }?;
    Ok(vec![entry.table()])
}

fn one(originals: &[PathBuf]) -> Result<&Path, Fault> {
    match originals {
        [only] => Ok(only),
        _ => Err(Fault::Content(format!("{} files, and one is read", originals.len()))),
    }
}
