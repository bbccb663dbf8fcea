//! The header of a plugin: what it was built with, as data in its file, which the host
//! reads before it runs anything of the plugin. Invariant: the layout is frozen for
//! ever; new facts go into `reserved`.

use std::mem::offset_of;

/// First bytes of every header.
pub const MAGIC: [u8; 8] = *b"OSEEPLUG";

/// Major version of the boundary; host and plugin must have the same.
pub const ABI_MAJOR: u32 = 4;
/// Minor version of the boundary; the host's must be at least the plugin's.
pub const ABI_MINOR: u32 = 1;

const TEXT: usize = 64;

/// A fixed-size, zero-padded text.
#[repr(transparent)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text([u8; TEXT]);

impl Text {
    /// The text, cut at the 64 bytes of the field.
    pub const fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut field = [0; TEXT];
        let mut i = 0;
        while i < bytes.len() && i < TEXT {
            field[i] = bytes[i];
            i += 1;
        }
        Self(field)
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = self.0.iter().position(|&b| b == 0).unwrap_or(TEXT);
        f.write_str(&String::from_utf8_lossy(&self.0[..end]))
    }
}

/// The header as it lies in a plugin's file.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PluginHeader {
    /// Always [`MAGIC`].
    pub magic: [u8; 8],
    /// Size of this structure in bytes.
    pub size: u32,
    /// The [`ABI_MAJOR`] that the plugin was built with.
    pub abi_major: u32,
    /// The [`ABI_MINOR`] that the plugin was built with.
    pub abi_minor: u32,
    /// 1 if a panic unwinds, 0 if it aborts the process.
    pub unwinds: u32,
    /// Version of the osee-sdk that the plugin was built with.
    pub sdk: Text,
    /// Version of the libtorch that the plugin was compiled against.
    pub libtorch: Text,
    /// Output of `rustc --version`.
    pub rustc: Text,
    /// Target triple of the plugin.
    pub target: Text,
    /// Zeros, for facts that later versions add.
    pub reserved: [u8; 64],
}

impl PluginHeader {
    /// The header of the crate that is being compiled.
    pub const fn current() -> Self {
        Self {
            magic: MAGIC,
            size: size_of::<Self>() as u32,
            abi_major: ABI_MAJOR,
            abi_minor: ABI_MINOR,
            unwinds: cfg!(panic = "unwind") as u32,
            sdk: Text::new(env!("CARGO_PKG_VERSION")),
            libtorch: Text::new(env!("OSEE_LIBTORCH_VERSION")),
            rustc: Text::new(env!("OSEE_RUSTC_VERSION")),
            target: Text::new(env!("OSEE_TARGET")),
            reserved: [0; 64],
        }
    }

    /// Reads a header from bytes of a file; `None` if they do not begin with a whole one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < size_of::<Self>() || bytes[..8] != MAGIC {
            return None;
        }
        let int = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let text = |at: usize| Some(Text(bytes.get(at..at + TEXT)?.try_into().ok()?));
        Some(Self {
            magic: MAGIC,
            size: int(offset_of!(Self, size))?,
            abi_major: int(offset_of!(Self, abi_major))?,
            abi_minor: int(offset_of!(Self, abi_minor))?,
            unwinds: int(offset_of!(Self, unwinds))?,
            sdk: text(offset_of!(Self, sdk))?,
            libtorch: text(offset_of!(Self, libtorch))?,
            rustc: text(offset_of!(Self, rustc))?,
            target: text(offset_of!(Self, target))?,
            reserved: [0; 64],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_its_bytes() {
        let header = PluginHeader::current();
        // SAFETY: PluginHeader is repr(C), has no padding (4-byte fields, then
        // bytes) and outlives the slice.
        let bytes = unsafe {
            std::slice::from_raw_parts((&raw const header).cast::<u8>(), size_of::<PluginHeader>())
        };
        assert_eq!(PluginHeader::from_bytes(bytes), Some(header));
        assert_eq!(header.libtorch.to_string(), "2.11.0");
        assert_eq!(PluginHeader::from_bytes(&bytes[1..]), None);
    }
}
