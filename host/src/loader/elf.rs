//! Reads a shared library as the dynamic linker does: by its program headers and its
//! dynamic segment. Section headers may be wrong or missing.

use super::LoadErrorKind;
use object::{
    Endianness, FileKind, elf,
    read::elf::{Dyn, FileHeader, ProgramHeader},
};

type Header = elf::FileHeader64<Endianness>;

/// Size of a symbol table entry, in bytes.
const SYMBOL: usize = 24;

/// A shared library for this machine; none of its code has run.
pub struct Library<'a> {
    bytes: &'a [u8],
    /// Address, file offset and length of each mapped part.
    mapped: Vec<(u64, u64, u64)>,
    pub(super) segments: Vec<Segment>,
    pub(super) dynamic: Vec<(elf::DynamicTag, u64)>,
    /// True if the dynamic segment has its final entry, DT_NULL.
    pub(super) ends: bool,
}

/// A program header; offsets, addresses and sizes are in bytes.
pub struct Segment {
    pub kind: elf::ProgramType,
    pub flags: u32,
    pub offset: u64,
    pub address: u64,
    pub in_file: u64,
    pub in_memory: u64,
    pub align: u64,
}

impl<'a> Library<'a> {
    /// Reads the tables of a file.
    ///
    /// # Errors
    /// [`LoadErrorKind::NotALibrary`], or [`LoadErrorKind::CutOff`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, LoadErrorKind> {
        let none = |what: String| LoadErrorKind::NotALibrary(what);
        let wrong = |error: object::Error| none(error.to_string());
        match FileKind::parse(bytes).map_err(wrong)? {
            FileKind::Elf64 => {}
            other => return Err(none(format!("it is {other:?}"))),
        }
        let header = Header::parse(bytes).map_err(wrong)?;
        let endian = header.endian().map_err(wrong)?;
        let machine = match std::env::consts::ARCH {
            "x86_64" => elf::EM_X86_64,
            "aarch64" => elf::EM_AARCH64,
            _ => header.e_machine(endian),
        };
        if header.e_machine(endian) != machine || endian != Endianness::default() {
            return Err(none(format!("it is for machine {:?}", header.e_machine(endian))));
        }
        if header.e_type(endian) != elf::ET_DYN {
            return Err(none(format!("it is ELF of type {:?}", header.e_type(endian))));
        }
        let (mut mapped, mut dynamic) = (Vec::new(), Vec::new());
        let (mut segments, mut ends) = (Vec::new(), false);
        for segment in header.program_headers(endian, bytes).map_err(wrong)? {
            segments.push(Segment {
                kind: segment.p_type(endian),
                flags: segment.p_flags(endian).0,
                offset: segment.p_offset(endian),
                address: segment.p_vaddr(endian),
                in_file: segment.p_filesz(endian),
                in_memory: segment.p_memsz(endian),
                align: segment.p_align(endian),
            });
            if segment.p_type(endian) == elf::PT_LOAD {
                let (offset, length) = segment.file_range(endian);
                // Touching a missing page would end the process.
                let missing = offset.saturating_add(length).saturating_sub(bytes.len() as u64);
                if missing > 0 {
                    return Err(LoadErrorKind::CutOff(missing));
                }
                mapped.push((segment.p_vaddr(endian), offset, length));
            }
            if let Some(entries) = segment.dynamic(endian, bytes).map_err(wrong)? {
                let entries = entries.iter().map(|it| (it.d_tag(endian), it.d_val(endian)));
                ends |= entries.clone().any(|(tag, _)| tag == elf::DT_NULL);
                dynamic.extend(entries.take_while(|(tag, _)| *tag != elf::DT_NULL));
            }
        }
        Ok(Self { bytes, mapped, segments, dynamic, ends })
    }

    /// The data that `dlsym` would find by this name, up to the end of the mapped part.
    pub fn symbol(&self, name: &str) -> Option<&'a [u8]> {
        let name = name.as_bytes();
        let address = match self.table(elf::DT_GNU_HASH) {
            Some(table) => self.by_gnu_hash(table, name),
            None => self.by_hash(self.table(elf::DT_HASH)?, name),
        };
        self.at(address?)
    }

    /// Names of the libraries that it is linked with.
    pub fn needed(&self) -> impl Iterator<Item = &'a str> {
        self.texts(elf::DT_NEEDED)
    }

    /// Folders that its dependencies are searched in, in order.
    pub fn search_path(&self) -> impl Iterator<Item = &'a str> {
        let newer = self.texts(elf::DT_RUNPATH).next();
        let path = newer.or_else(|| self.texts(elf::DT_RPATH).next());
        path.into_iter().flat_map(|path| path.split(':'))
    }

    fn by_gnu_hash(&self, table: &[u8], name: &[u8]) -> Option<u64> {
        let hash = name
            .iter()
            .fold(5381u32, |hash, byte| hash.wrapping_mul(33).wrapping_add(u32::from(*byte)));
        let [buckets, first, bloom] = [0, 4, 8].map(|at| word(table, at));
        let (buckets, first, bloom) = (buckets?, first?, bloom? as usize);
        // The buckets follow four words and the Bloom filter, which is not needed here.
        let buckets_at = bloom.checked_mul(8)?.checked_add(16)?;
        let chains_at = (buckets as usize).checked_mul(4)?.checked_add(buckets_at)?;
        let bucket = hash.checked_rem(buckets)? as usize;
        let start = word(table, bucket.checked_mul(4)?.checked_add(buckets_at)?)?;
        // Symbols before the first are not in the hash table.
        for chain in start.checked_sub(first)? as usize.. {
            let value = word(table, chain.checked_mul(4)?.checked_add(chains_at)?)?;
            if value | 1 == hash | 1
                && let Some(address) = self.address(chain.checked_add(first as usize)?, name)
            {
                return Some(address);
            }
            if value & 1 == 1 {
                return None;
            }
        }
        None
    }

    fn by_hash(&self, table: &[u8], name: &[u8]) -> Option<u64> {
        let hash = name.iter().fold(0u32, |hash, byte| {
            let hash = (hash << 4).wrapping_add(u32::from(*byte));
            (hash ^ ((hash & 0xf000_0000) >> 24)) & 0x0fff_ffff
        });
        let (buckets, chains) = (word(table, 0)?, word(table, 4)?);
        let at = |index: u64| word(table, usize::try_from(index.checked_mul(4)?).ok()?);
        let mut index = at(2 + u64::from(hash.checked_rem(buckets)?))?;
        // There are at most as many steps as symbols: a damaged chain may be a circle.
        for _ in 0..chains {
            if index == 0 {
                return None;
            }
            if let Some(address) = self.address(index as usize, name) {
                return Some(address);
            }
            index = at(2 + u64::from(buckets) + u64::from(index))?;
        }
        None
    }

    /// Address of the symbol of this number, if it is defined and has this name.
    fn address(&self, number: usize, name: &[u8]) -> Option<u64> {
        let symbols = self.table(elf::DT_SYMTAB)?;
        let symbol = symbols.get(number.checked_mul(SYMBOL)?..)?.get(..SYMBOL)?;
        let (text, section) = (word(symbol, 0)?, u16::from_ne_bytes([symbol[6], symbol[7]]));
        let called = self.table(elf::DT_STRTAB)?.get(text as usize..)?;
        let it = called.strip_prefix(name)?.first() == Some(&0) && section != 0;
        it.then(|| symbol[8..16].try_into().map(u64::from_ne_bytes).ok())?
    }

    fn texts(&self, tag: elf::DynamicTag) -> impl Iterator<Item = &'a str> {
        let strings = self.table(elf::DT_STRTAB).unwrap_or_default();
        let of_tag = self.dynamic.iter().filter(move |(other, _)| *other == tag);
        let offsets: Vec<usize> = of_tag.filter_map(|(_, at)| usize::try_from(*at).ok()).collect();
        offsets.into_iter().filter_map(move |at| {
            let text = strings.get(at..)?;
            std::str::from_utf8(&text[..text.iter().position(|byte| *byte == 0)?]).ok()
        })
    }

    /// The table that an entry of the dynamic segment points to.
    pub(super) fn table(&self, tag: elf::DynamicTag) -> Option<&'a [u8]> {
        self.at(self.value(tag)?)
    }

    /// The last entry with this tag, as the linker takes the last, too.
    pub(super) fn value(&self, tag: elf::DynamicTag) -> Option<u64> {
        self.dynamic.iter().rev().find(|(other, _)| *other == tag).map(|(_, value)| *value)
    }

    /// The mapped bytes from an address to the end of its segment.
    pub(super) fn at(&self, address: u64) -> Option<&'a [u8]> {
        self.mapped.iter().find_map(|(start, offset, length)| {
            let into = address.checked_sub(*start).filter(|into| into < length)?;
            let from = usize::try_from(offset.checked_add(into)?).ok()?;
            let rest = usize::try_from(length - into).ok()?;
            self.bytes.get(from..)?.get(..rest)
        })
    }
}

pub(super) fn word(table: &[u8], at: usize) -> Option<u32> {
    table.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}
