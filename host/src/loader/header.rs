//! Reads a plugin's header out of its file, without loading it.

use super::LoadErrorKind;
use object::{Object, ObjectSection, ObjectSymbol, read::File};
use osee_sdk::abi::header::{ABI_MAJOR, ABI_MINOR, PluginHeader};

/// The header in the bytes of a file, its facts checked against this host.
pub fn read(bytes: &[u8]) -> Result<PluginHeader, LoadErrorKind> {
    let file = File::parse(bytes).map_err(|error| LoadErrorKind::NotALibrary(error.to_string()))?;
    if file.format() != object::BinaryFormat::Elf || file.kind() != object::ObjectKind::Dynamic {
        let what = format!("{:?} {:?}", file.format(), file.kind());
        return Err(LoadErrorKind::NotALibrary(what));
    }
    let machine = match std::env::consts::ARCH {
        "x86_64" => object::Architecture::X86_64,
        "aarch64" => object::Architecture::Aarch64,
        _ => file.architecture(),
    };
    if file.architecture() != machine {
        let what = format!("it is for {:?}", file.architecture());
        return Err(LoadErrorKind::NotALibrary(what));
    }
    let header = find(&file).ok_or(LoadErrorKind::NotAPlugin)?;
    check(&header)?;
    Ok(header)
}

fn find(file: &File<'_>) -> Option<PluginHeader> {
    let symbol = file.dynamic_symbols().find(|s| s.name() == Ok("OSEE_PLUGIN_HEADER"))?;
    let section = file.section_by_index(symbol.section_index()?).ok()?;
    let data = section.data_range(symbol.address(), size_of::<PluginHeader>() as u64).ok()??;
    PluginHeader::from_bytes(data)
}

fn check(header: &PluginHeader) -> Result<(), LoadErrorKind> {
    let host = PluginHeader::current();
    if header.abi_major != ABI_MAJOR || header.abi_minor > ABI_MINOR {
        return Err(LoadErrorKind::Abi {
            sdk: header.sdk.to_string(),
            major: header.abi_major,
            minor: header.abi_minor,
        });
    }
    if header.libtorch != host.libtorch {
        return Err(LoadErrorKind::Libtorch {
            plugin: header.libtorch.to_string(),
            host: host.libtorch.to_string(),
        });
    }
    if header.unwinds == 0 {
        return Err(LoadErrorKind::Aborts);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuzz_plugin_files() {
        let exe = std::env::current_exe().unwrap();
        let whole = std::fs::read(exe.with_file_name("libmeta_vote.so")).unwrap();
        assert!(read(&whole).is_ok());
        let header = whole.windows(8).position(|bytes| bytes == b"OSEEPLUG").unwrap();
        let mut corpus = [whole];
        let (mut fitting, mut refused) = (0, 0);
        crate::fuzz::cases("header", &mut corpus, |bytes| {
            match read(bytes) {
                Ok(_) => fitting += 1,
                Err(_) => refused += 1,
            }
            // The header by itself, wherever a damaged table says it is.
            let at = header.min(bytes.len());
            let _ = PluginHeader::from_bytes(&bytes[at..]).map(|header| check(&header));
        });
        assert!(fitting > 0 && refused > 0, "{fitting} {refused}");
    }
}
