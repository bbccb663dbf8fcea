//! Reads a plugin's header from its file, without loading it.

use super::{LoadErrorKind, elf::Library, sound};
use osee_sdk::abi::header::{ABI_MAJOR, ABI_MINOR, PluginHeader};

/// Name of the header's symbol.
const SYMBOL: &str = "OSEE_PLUGIN_HEADER";

/// Reads the header from a file's bytes, and checks it against this host.
pub fn read(bytes: &[u8]) -> Result<PluginHeader, LoadErrorKind> {
    let library = Library::parse(bytes)?;
    let header = library.symbol(SYMBOL).ok_or(LoadErrorKind::NotAPlugin)?;
    let header = fitting(header)?;
    sound::check(&library).map_err(LoadErrorKind::Damaged)?;
    Ok(header)
}

/// The header that these bytes begin with, its facts checked against this host.
pub fn fitting(bytes: &[u8]) -> Result<PluginHeader, LoadErrorKind> {
    let header = PluginHeader::from_bytes(bytes).ok_or(LoadErrorKind::NotAPlugin)?;
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
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_found_without_section_headers() {
        let exe = std::env::current_exe().unwrap();
        let whole = std::fs::read(exe.with_file_name("libmeta_vote.so")).unwrap();
        let at = u64::from_le_bytes(whole[40..48].try_into().unwrap()) as usize;
        // Removes the table, its place and number, and the index of names in the ELF header.
        let mut stripped = whole.clone();
        stripped.truncate(at);
        stripped[40..48].fill(0);
        stripped[60..64].fill(0);
        let mut damaged = whole.clone();
        damaged[at..].fill(0xff);
        let found = read(&whole).unwrap();
        assert_eq!((read(&stripped).unwrap(), read(&damaged).unwrap()), (found, found));
    }
}
