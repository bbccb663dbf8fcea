//! Converts original files to osee's table or folder of images, with one reader per
//! format. No code in a file is run, and no name in an archive is used as a path.

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

/// Converts the original files, given in the catalogue's order, and writes the result
/// into `folder`. Returns the paths that were written, relative to it.
///
/// # Errors
/// The files do not have the content that the catalogue states.
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
