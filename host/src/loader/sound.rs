//! Checks that the dynamic linker survives a library: it trusts every offset and count
//! that it reads, so one damaged bit in them would end the process.
//!
//! Invariant: for a library that passes, the linker reads and writes nothing outside
//! of what it has mapped, and calls nothing but code. Code and data themselves are not
//! checked; only a hash could do that.

use super::elf::{Library, Segment, word};
use object::elf;

type Result<T> = std::result::Result<T, String>;

const SYMBOL: usize = 24;
const RELOCATION: usize = 24;
/// Largest address space of a library, in bytes.
const SPAN: u64 = 1 << 40;

/// Types of relocations that get closer checks: an address in the library itself, a
/// function that returns an address, and a copy of another library's data.
#[derive(Clone, Copy)]
struct Kinds {
    relative: u32,
    called: u32,
    copy: u32,
}

const KINDS: Option<Kinds> = if cfg!(target_arch = "x86_64") {
    Some(Kinds { relative: 8, called: 37, copy: 5 })
} else if cfg!(target_arch = "aarch64") {
    Some(Kinds { relative: 1027, called: 1032, copy: 1024 })
} else {
    None
};

/// Refuses a library that would end the process that loads it.
///
/// # Errors
/// What is damaged, in words.
pub fn check(library: &Library<'_>) -> Result<()> {
    let it = Sound { library };
    it.segments()?;
    it.dynamic()?;
    let strings = it.strings()?;
    let symbols = it.symbols()?;
    it.names(strings)?;
    it.symbol_table(symbols, strings)?;
    it.versions(symbols, strings)?;
    let relocated = it.relocations(symbols)?;
    it.functions(&relocated)
}

struct Sound<'l, 'a> {
    library: &'l Library<'a>,
}

fn wrong<T>(what: &str) -> Result<T> {
    Err(format!("its {what}"))
}

impl<'a> Sound<'_, 'a> {
    fn loads(&self) -> impl Iterator<Item = &Segment> {
        self.library.segments.iter().filter(|it| it.kind == elf::PT_LOAD)
    }

    /// True if the whole range is in memory, in one segment with these flags.
    fn holds(&self, address: u64, length: u64, flags: u32) -> bool {
        self.loads().any(|it| {
            let end = address.checked_add(length);
            let inside = end.is_some_and(|end| end <= it.address + it.in_memory);
            it.flags & flags == flags && address >= it.address && inside
        })
    }

    fn is_code(&self, address: u64) -> bool {
        self.holds(address, 1, elf::PF_X.0)
    }

    /// The bytes of a table of this length, which must all be in the file.
    fn bytes(&self, address: u64, length: u64, what: &str) -> Result<&'a [u8]> {
        let whole = self.library.at(address);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        whole
            .and_then(|bytes| bytes.get(..length))
            .ok_or_else(|| format!("its {what} is not inside the file"))
    }

    fn segments(&self) -> Result<()> {
        let mut end = 0;
        for (at, it) in self.loads().enumerate() {
            let last = it.address.checked_add(it.in_memory).filter(|last| *last < SPAN);
            let Some(last) = last else { return wrong("segments are too large") };
            if it.in_file > it.in_memory || (at > 0 && it.address < end) {
                return wrong("segments overlap");
            }
            let fits = it.align <= 1 || it.address % it.align == it.offset % it.align;
            if !(it.align <= 1 || it.align.is_power_of_two()) || !fits || it.align > 1 << 30 {
                return wrong("segments are not aligned");
            }
            end = last;
        }
        for it in &self.library.segments {
            let mapped = || self.holds(it.address, it.in_memory.max(1), 0);
            let sound = match it.kind {
                elf::PT_PHDR
                | elf::PT_GNU_EH_FRAME
                | elf::PT_DYNAMIC
                | elf::PT_NOTE
                | elf::PT_GNU_PROPERTY => {
                    mapped()
                        && self
                            .library
                            .at(it.address)
                            .is_some_and(|bytes| bytes.len() as u64 >= it.in_file)
                        && self.offset_of(it.address) == Some(it.offset)
                }
                elf::PT_GNU_RELRO => self.relro(it),
                elf::PT_TLS => {
                    let image = self.library.at(it.address);
                    let image = image.is_some_and(|bytes| bytes.len() as u64 >= it.in_file);
                    (it.in_file == 0 || image)
                        && it.in_file <= it.in_memory
                        && it.in_memory < 1 << 30
                        && it.align < 1 << 20
                        && (it.align == 0 || it.align.is_power_of_two())
                }
                _ => true,
            };
            if !sound {
                return wrong(&format!("segment of type {:?} is not inside the file", it.kind));
            }
        }
        Ok(())
    }

    /// File offset of an address.
    fn offset_of(&self, address: u64) -> Option<u64> {
        let inside =
            |it: &&Segment| address.checked_sub(it.address).is_some_and(|into| into < it.in_file);
        self.loads().find(inside).map(|it| it.offset + (address - it.address))
    }

    /// True if the range that becomes read-only after relocation is writable before, up to
    /// the end of the page.
    fn relro(&self, it: &Segment) -> bool {
        const PAGE: u64 = 1 << 16;
        self.loads().any(|load| {
            let end = load.address + load.in_memory;
            let own = it.address.checked_add(it.in_memory);
            load.flags & elf::PF_W.0 != 0
                && it.address >= load.address
                && own.is_some_and(|own| own <= end.next_multiple_of(PAGE))
        })
    }

    fn dynamic(&self) -> Result<()> {
        let library = self.library;
        if library.dynamic.is_empty() || !library.ends {
            return wrong("dynamic segment has no end");
        }
        for (tag, wanted, what) in [
            (elf::DT_SYMENT, SYMBOL as u64, "symbols"),
            (elf::DT_RELAENT, RELOCATION as u64, "relocations"),
            (elf::DT_RELRENT, 8, "relative relocations"),
            (elf::DT_PLTREL, elf::DT_RELA.0 as u64, "relocations of functions"),
        ] {
            if library.value(tag).is_some_and(|value| value != wanted) {
                return wrong(&format!("{what} are of another form"));
            }
        }
        // Tables of the first entry need the others, which the linker reads unchecked.
        for (tag, others) in [
            (elf::DT_RELA, [elf::DT_RELASZ, elf::DT_RELAENT]),
            (elf::DT_RELR, [elf::DT_RELRSZ, elf::DT_RELRENT]),
            (elf::DT_PLTREL, [elf::DT_JMPREL, elf::DT_PLTRELSZ]),
            (elf::DT_JMPREL, [elf::DT_PLTREL, elf::DT_PLTRELSZ]),
            (elf::DT_SYMTAB, [elf::DT_SYMENT, elf::DT_STRTAB]),
            (elf::DT_INIT_ARRAY, [elf::DT_INIT_ARRAYSZ; 2]),
            (elf::DT_FINI_ARRAY, [elf::DT_FINI_ARRAYSZ; 2]),
            (elf::DT_VERNEED, [elf::DT_VERSYM; 2]),
            (elf::DT_VERDEF, [elf::DT_VERSYM; 2]),
        ] {
            let missing = others.iter().any(|other| library.value(*other).is_none());
            if library.value(tag).is_some() && missing {
                return wrong("dynamic segment lacks the length of a table");
            }
        }
        // On this machine all relocations have addends.
        if library.value(elf::DT_REL).is_some() {
            return wrong("relocations are of another form");
        }
        Ok(())
    }

    fn strings(&self) -> Result<&'a [u8]> {
        let (at, length) = (elf::DT_STRTAB, elf::DT_STRSZ);
        let place = self.library.value(at).zip(self.library.value(length));
        let Some((at, length)) = place else { return wrong("table of names is missing") };
        let strings = self.bytes(at, length, "table of names")?;
        match strings.last() {
            Some(0) => Ok(strings),
            _ => wrong("table of names has no end"),
        }
    }

    /// Number of symbols, derived from the hash table.
    fn symbols(&self) -> Result<usize> {
        let library = self.library;
        if let Some(table) = library.value(elf::DT_GNU_HASH) {
            let Some(table) = library.at(table) else { return wrong("hash table is missing") };
            let count = gnu_symbols(table);
            return count.ok_or_else(|| "its hash table is not inside the file".to_owned());
        }
        let table = library.table(elf::DT_HASH);
        let count = table.and_then(|table| {
            let (buckets, chains) = (word(table, 0)? as usize, word(table, 4)? as usize);
            let words = buckets.checked_add(chains)?.checked_add(2)?;
            let all = table.get(8..words.checked_mul(4)?)?;
            let inside = |at: &[u8]| word(at, 0).is_some_and(|it| (it as usize) < chains);
            (buckets > 0 && all.chunks(4).all(inside)).then_some(chains)
        });
        count.ok_or_else(|| "its hash table is not inside the file".to_owned())
    }

    /// Checks the names of libraries and folders.
    fn names(&self, strings: &[u8]) -> Result<()> {
        let named = [
            elf::DT_NEEDED,
            elf::DT_SONAME,
            elf::DT_RPATH,
            elf::DT_RUNPATH,
            elf::DT_AUXILIARY,
            elf::DT_FILTER,
            elf::DT_AUDIT,
            elf::DT_DEPAUDIT,
        ];
        let mut all = self.library.dynamic.iter().filter(|(tag, _)| named.contains(tag));
        match all.all(|(_, at)| *at < strings.len() as u64) {
            true => Ok(()),
            false => wrong("list of libraries has names outside its table"),
        }
    }

    fn symbol_table(&self, count: usize, strings: &[u8]) -> Result<()> {
        let at = self.library.value(elf::DT_SYMTAB);
        let Some(at) = at else { return wrong("table of symbols is missing") };
        let table = self.bytes(at, (count * SYMBOL) as u64, "table of symbols")?;
        for symbol in table.chunks_exact(SYMBOL) {
            let name = word(symbol, 0).unwrap_or(u32::MAX) as usize;
            let (kind, section) = (symbol[4] & 15, u16::from_ne_bytes([symbol[6], symbol[7]]));
            let value = long(symbol, 8).unwrap_or(u64::MAX);
            // Undefined and absolute symbols have no address here; those of threads count from
            // another base. A symbol may stand at the end of a segment.
            let placed = section != 0 && section < 0xff00 && kind != 6;
            let sound = !placed
                || match kind {
                    2 | 10 => self.is_code(value),
                    _ => self
                        .loads()
                        .any(|it| (it.address..=it.address + it.in_memory).contains(&value)),
                };
            if name >= strings.len() || !sound {
                return wrong("symbols lie outside the file");
            }
        }
        Ok(())
    }

    /// Checks symbol versions: their numbers, and the libraries that they refer to.
    fn versions(&self, symbols: usize, strings: &[u8]) -> Result<()> {
        let library = self.library;
        let text = |at: u32| {
            let rest = strings.get(at as usize..)?;
            rest.split(|byte| *byte == 0).next()
        };
        let mut most = 1u16;
        if let Some(needed) = library.value(elf::DT_VERNEED) {
            let mut at = needed;
            loop {
                let entry = self.bytes(at, 16, "list of versions")?;
                let [file, first, next] = [4, 8, 12].map(|at| word(entry, at).unwrap_or(0));
                let file = text(file).and_then(|file| std::str::from_utf8(file).ok());
                if !file.is_some_and(|file| library.needed().any(|it| it == file)) {
                    return wrong("list of versions is of a library that it does not need");
                }
                let mut own = at.saturating_add(u64::from(first));
                loop {
                    let entry = self.bytes(own, 16, "list of versions")?;
                    most = most.max(u16::from_ne_bytes([entry[6], entry[7]]) & 0x7fff);
                    let [name, next] = [8, 12].map(|at| word(entry, at).unwrap_or(0));
                    if text(name).is_none() {
                        return wrong("list of versions has names outside its table");
                    }
                    if next == 0 {
                        break;
                    }
                    own = own.saturating_add(u64::from(next));
                }
                if next == 0 {
                    break;
                }
                at = at.saturating_add(u64::from(next));
            }
        }
        if let Some(defined) = library.value(elf::DT_VERDEF) {
            let mut at = defined;
            loop {
                let entry = self.bytes(at, 20, "list of own versions")?;
                most = most.max(u16::from_ne_bytes([entry[4], entry[5]]) & 0x7fff);
                let [first, next] = [12, 16].map(|at| word(entry, at).unwrap_or(0));
                let own = at.saturating_add(u64::from(first));
                let own = self.bytes(own, 8, "list of own versions")?;
                if word(own, 0).and_then(text).is_none() {
                    return wrong("list of own versions has names outside its table");
                }
                if next == 0 {
                    break;
                }
                at = at.saturating_add(u64::from(next));
            }
        }
        let Some(numbers) = library.value(elf::DT_VERSYM) else { return Ok(()) };
        let numbers = self.bytes(numbers, 2 * symbols as u64, "table of versions")?;
        let known = |it: &[u8]| u16::from_ne_bytes([it[0], it[1]]) & 0x7fff <= most;
        match numbers.chunks_exact(2).all(known) {
            true => Ok(()),
            false => wrong("symbols have versions that do not exist"),
        }
    }

    /// Checks all relocations. Returns, in ascending order, the places where pointers to
    /// the library's own code are written.
    fn relocations(&self, symbols: usize) -> Result<Vec<u64>> {
        let library = self.library;
        let (mut functions, mut places) = (Vec::new(), Vec::new());
        for (tag, length) in [(elf::DT_RELA, elf::DT_RELASZ), (elf::DT_JMPREL, elf::DT_PLTRELSZ)] {
            let Some(at) = library.value(tag) else { continue };
            // The linker does not check the type of this many first relocations.
            let count = library.value(elf::DT_RELACOUNT).filter(|_| tag == elf::DT_RELA);
            let mut plain = count.unwrap_or(0);
            let table = self.bytes(at, library.value(length).unwrap_or(0), "relocations")?;
            if plain > (table.len() / RELOCATION) as u64 {
                return wrong("count of relocations is above their number");
            }
            for it in table.chunks(RELOCATION) {
                let parts = long(it, 0).zip(long(it, 8)).zip(long(it, 16));
                let Some(((place, info), addend)) = parts else {
                    return wrong("relocations are cut off");
                };
                let (symbol, kind) = ((info >> 32) as usize, info as u32);
                if plain > 0 && KINDS.is_some_and(|kinds| kinds.relative != kind) {
                    return wrong("relocations are of another kind than their count says");
                }
                plain = plain.saturating_sub(1);
                if kind == 0 {
                    continue;
                }
                places.push(place);
                if symbol >= symbols || !self.holds(place, 8, elf::PF_W.0) {
                    return wrong("relocations lie outside its writable memory");
                }
                let Some(Kinds { relative, called, copy }) = KINDS else { continue };
                let own = kind == relative;
                let to_code = self.is_code(addend);
                let outside = own
                    && !to_code
                    && !self
                        .loads()
                        .any(|it| (it.address..=it.address + it.in_memory).contains(&addend));
                if kind == copy || (kind == called && !to_code) || outside {
                    return wrong("relocations point outside the file");
                }
                if (own && to_code) || symbol > 0 {
                    functions.push(place);
                }
            }
        }
        self.packed(&mut functions)?;
        functions.sort_unstable();
        places.sort_unstable();
        if places.windows(2).any(|pair| pair[0] == pair[1]) {
            return wrong("relocations meet in one place, so another is without");
        }
        Ok(functions)
    }

    /// Checks relative relocations in the packed format (RELR).
    fn packed(&self, functions: &mut Vec<u64>) -> Result<()> {
        let library = self.library;
        let Some(at) = library.value(elf::DT_RELR) else { return Ok(()) };
        let length = library.value(elf::DT_RELRSZ).unwrap_or(0);
        let table = self.bytes(at, length, "relative relocations")?;
        let mut next = 0u64;
        let mut one = |place: u64| match self.holds(place, 8, elf::PF_W.0) {
            true => {
                let target = library.at(place).and_then(|bytes| long(bytes, 0));
                functions.extend(target.filter(|to| self.is_code(*to)).map(|_| place));
                Ok(())
            }
            false => wrong("relative relocations lie outside its writable memory"),
        };
        for entry in table.chunks(8) {
            let Some(entry) = long(entry, 0) else {
                return wrong("relative relocations are cut off");
            };
            if entry & 1 == 0 {
                one(entry)?;
                next = entry.saturating_add(8);
                continue;
            }
            for bit in (0..63).filter(|bit| entry >> (bit + 1) & 1 == 1) {
                one(next.saturating_add(8 * bit))?;
            }
            next = next.saturating_add(8 * 63);
        }
        Ok(())
    }

    /// Checks that the functions called on loading and at the end are code.
    fn functions(&self, relocated: &[u64]) -> Result<()> {
        let library = self.library;
        for tag in [elf::DT_INIT, elf::DT_FINI] {
            if library.value(tag).is_some_and(|at| !self.is_code(at)) {
                return wrong("first or last function is not code");
            }
        }
        for (at, length) in
            [(elf::DT_INIT_ARRAY, elf::DT_INIT_ARRAYSZ), (elf::DT_FINI_ARRAY, elf::DT_FINI_ARRAYSZ)]
        {
            let Some(at) = library.value(at) else { continue };
            let length = library.value(length).unwrap_or(0);
            self.bytes(at, length, "list of first functions")?;
            let mut slots = (0..length / 8).map(|slot| at + 8 * slot);
            if !slots.all(|slot| relocated.binary_search(&slot).is_ok()) {
                return wrong("list of first functions has an entry that is not code");
            }
        }
        Ok(())
    }
}

/// Number of symbols in a GNU hash table; `None` if it is damaged.
fn gnu_symbols(table: &[u8]) -> Option<usize> {
    let [buckets, first, bloom] = [0, 4, 8].map(|at| word(table, at).map(|it| it as usize));
    let (buckets, first, bloom) = (buckets?, first?, bloom?);
    let shift = word(table, 12)?;
    if buckets == 0 || !bloom.is_power_of_two() || shift >= 64 {
        return None;
    }
    let start = bloom.checked_mul(8)?.checked_add(16)?;
    let chains = buckets.checked_mul(4)?.checked_add(start)?;
    let mut last = None;
    for bucket in table.get(start..chains)?.chunks_exact(4) {
        let bucket = word(bucket, 0)? as usize;
        if bucket != 0 && bucket < first {
            return None;
        }
        last = last.max(Some(bucket).filter(|it| *it != 0));
    }
    // Chains follow each other, so all of them end where the last one does.
    let Some(mut symbol) = last else { return Some(first) };
    loop {
        let value = word(table, (symbol - first).checked_mul(4)?.checked_add(chains)?)?;
        symbol += 1;
        if value & 1 == 1 {
            return Some(symbol);
        }
    }
}

fn long(table: &[u8], at: usize) -> Option<u64> {
    table.get(at..)?.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes))
}
