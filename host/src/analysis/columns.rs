//! Chooses the columns of a table that are scores, and those in which low is good.
//!
//! Invariant: every name that the user gives finds a column or is an error, and
//! every column that is not judged is left out by name and with a reason.

use super::MaterialError;
use osee_core::{
    row::Checkpoint,
    truth::{Key, LeftOut, Sheet},
};
use std::collections::BTreeMap;

/// A row to judge: one column, or the columns that match one form and differ
/// only in their seed.
#[derive(Debug)]
pub struct Chosen {
    /// Name of the row.
    pub name: String,
    /// The name without its epoch.
    base: String,
    /// Base row and epoch, if the form has `{epoch}`.
    pub checkpoint: Option<Checkpoint>,
    /// The column name or form that the user gave.
    origin: String,
    /// True if the user named it; false if it was taken because it holds numbers.
    pub named: bool,
    /// True if low is good.
    pub negated: bool,
    /// Positions of the columns, by seed; a column without a seed has seed 0.
    pub columns: BTreeMap<u64, usize>,
}

/// Row name, seed and epoch that `column` has by a form with `{seed}` and `{epoch}`.
fn read_form(form: &str, column: &str) -> Option<(String, Option<u64>, Option<u32>)> {
    let (mut rest, mut pattern, mut name) = (column, form, String::new());
    let (mut seed, mut epoch) = (None, None);
    while let Some((text, after)) = pattern.split_once('{') {
        let (what, after) = after.split_once('}')?;
        rest = rest.strip_prefix(text)?;
        name += text;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number = &rest[..digits];
        match what {
            "seed" => seed = Some(number.parse().ok()?),
            "epoch" => epoch = Some(number.parse().ok()?),
            _ => return None,
        }
        (rest, pattern) = (&rest[digits..], after);
    }
    name += pattern;
    // `os_acc_s{seed}_e{epoch}` leaves `os_acc_s` and `_e`: the row is `os_acc`.
    let parts: Vec<&str> =
        name.split('_').filter(|part| !matches!(*part, "s" | "e" | "")).collect();
    let name = if parts.is_empty() { form.to_owned() } else { parts.join("_") };
    (rest == pattern).then_some((name, seed, epoch))
}

/// Refuses a malformed form, whatever the columns are.
fn check_form(form: &str) -> Result<(), MaterialError> {
    let wrong = |why: String| MaterialError::Form { form: form.to_owned(), why };
    let mut rest = form;
    while let Some((_, after)) = rest.split_once('{') {
        let closed = after.split_once('}');
        let (what, after) = closed.ok_or_else(|| wrong("a brace is unmatched".to_owned()))?;
        if !matches!(what, "seed" | "epoch") {
            return Err(wrong(format!("it has {{seed}} and {{epoch}}, not {{{what}}}")));
        }
        rest = after;
    }
    Ok(())
}

struct Choice<'a> {
    sheet: &'a Sheet<'a>,
    rows: Vec<Chosen>,
}

/// Returns the columns that are named or negated. If none is named, every other
/// column that holds numbers is taken, too.
///
/// # Errors
/// A name or form fits no column, or is ambiguous.
pub fn choose(
    sheet: &Sheet<'_>,
    key: &Key,
    named: &[String],
    negated: &[String],
) -> Result<(Vec<Chosen>, Vec<LeftOut>), MaterialError> {
    let mut choice = Choice { sheet, rows: Vec::new() };
    for name in named {
        choice.take(name)?;
    }
    for name in negated {
        if !choice.negate(name) {
            choice.take_or_say(name)?;
            choice.negate(name);
        }
    }
    let mut left_out = Vec::new();
    if named.is_empty() {
        let (numbers, others) = sheet.numbers(key);
        let taken: Vec<usize> =
            choice.rows.iter().flat_map(|row| row.columns.values().copied()).collect();
        for at in numbers.into_iter().filter(|at| !taken.contains(at)) {
            choice.add(plain(sheet, at, false))?;
        }
        let asked = |it: &LeftOut| choice.rows.iter().any(|row| row.origin == it.column);
        left_out = others.into_iter().filter(|it| !asked(it)).collect();
    }
    Ok((choice.rows, left_out))
}

fn plain(sheet: &Sheet<'_>, at: usize, named: bool) -> Chosen {
    let name = sheet.header()[at].clone();
    let (base, origin) = (name.clone(), name.clone());
    let columns = BTreeMap::from([(0, at)]);
    Chosen { name, base, checkpoint: None, origin, named, negated: false, columns }
}

impl Choice<'_> {
    /// Adds the columns that a name or a form stands for.
    fn take(&mut self, name: &str) -> Result<(), MaterialError> {
        if self.rows.iter().any(|row| row.origin == *name) {
            return Ok(());
        }
        let is_form = name.contains('{') && !self.sheet.header().iter().any(|it| it == name);
        if !is_form {
            let at = self.sheet.column(name)?;
            return self.add(plain(self.sheet, at, true));
        }
        check_form(name)?;
        let mut fits = false;
        for column in self.sheet.header() {
            let Some((base, seed, epoch)) = read_form(name, column) else { continue };
            fits = true;
            let checkpoint = epoch.map(|epoch| Checkpoint { row: base.clone(), epoch });
            self.add(Chosen {
                name: checkpoint.as_ref().map_or_else(|| base.clone(), Checkpoint::name),
                base,
                checkpoint,
                origin: name.to_owned(),
                named: true,
                negated: false,
                columns: BTreeMap::from([(seed.unwrap_or(0), self.sheet.column(column)?)]),
            })?;
        }
        match fits {
            true => Ok(()),
            false => Err(self.sheet.no_column(name, &[]).into()),
        }
    }

    /// Like `take`, but the error also lists the names of rows.
    fn take_or_say(&mut self, name: &str) -> Result<(), MaterialError> {
        let there = self.sheet.header().iter().any(|it| it == name);
        if there || name.contains('{') {
            return self.take(name);
        }
        let rows: Vec<&str> = self.rows.iter().map(|row| row.base.as_str()).collect();
        Err(self.sheet.no_column(name, &rows).into())
    }

    /// Adds a column; columns of one form that differ in their seed make one row.
    fn add(&mut self, new: Chosen) -> Result<(), MaterialError> {
        let Some(known) = self.rows.iter_mut().find(|row| row.name == new.name) else {
            self.rows.push(new);
            return Ok(());
        };
        let title = |row: &Chosen| -> String {
            let at = row.columns.values().next().copied().unwrap_or_default();
            self.sheet.header()[at].clone()
        };
        for (seed, at) in &new.columns {
            if known.origin != new.origin || known.columns.contains_key(seed) {
                let (first, second) = (title(known), title(&new));
                return Err(MaterialError::SameName { name: new.name, first, second });
            }
            known.columns.insert(*seed, *at);
        }
        Ok(())
    }

    /// Marks low as good in the rows of this column, form or name. Returns false if
    /// there are none.
    fn negate(&mut self, name: &str) -> bool {
        let is_it = |row: &Chosen| [&row.origin, &row.name, &row.base].contains(&&name.to_owned());
        let mut any = false;
        for row in self.rows.iter_mut().filter(|row| is_it(row)) {
            (row.negated, any) = (true, true);
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Names of the chosen rows, or the error: `-` precedes a row where low is good,
    /// `*` follows one that nobody named.
    fn chosen(header: &str, named: &[&str], negated: &[&str]) -> Result<String, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let cells = header.split(',').map(|_| "1").collect::<Vec<_>>().join(",");
        writeln!(file, "{header}\n{cells}").unwrap();
        let sheet = Sheet::read(file.path()).unwrap();
        let owned = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let key = sheet.key("arch").unwrap();
        let (rows, _) = choose(&sheet, &key, &owned(named), &owned(negated))
            .map_err(|error| error.to_string())?;
        let shown = |row: &Chosen| {
            let seeds: Vec<u64> = row.columns.keys().copied().collect();
            let seeds = if seeds == [0] { String::new() } else { format!("{seeds:?}") };
            let (sign, star) =
                (if row.negated { "-" } else { "" }, if row.named { "" } else { "*" });
            format!("{sign}{}{seeds}{star}", row.name)
        };
        Ok(rows.iter().map(shown).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_form_finds_seed_and_epoch() {
        let read = |column| read_form("os_acc_s{seed}_e{epoch}", column);
        let os_acc = || "os_acc".to_owned();
        assert_eq!(read("os_acc_s2020_e100"), Some((os_acc(), Some(2020), Some(100))));
        assert_eq!(read("os_loss_s20_e100"), None);
        assert_eq!(read("os_acc_s20_e100x"), None);
        assert_eq!(read_form("snip", "snip"), Some(("snip".to_owned(), None, None)));
        assert_eq!(read_form("{seed}", "7").unwrap().0, "{seed}");
    }

    const HEADER: &str = "arch,val_loss_s1,val_loss_s2,acc,loss";

    #[test]
    fn a_row_is_negated_by_its_column_its_form_or_its_own_name() {
        let form = "val_loss_s{seed}";
        let both = Ok("-val_loss[1, 2]".to_owned());
        assert_eq!(chosen(HEADER, &[form], &[form]), both);
        assert_eq!(chosen(HEADER, &[form], &["val_loss"]), both);
        assert_eq!(chosen(HEADER, &["acc"], &["loss"]), Ok("acc -loss".to_owned()));
        let header = "arch,os_s1_e5,os_s1_e9";
        let epochs = chosen(header, &["os_s{seed}_e{epoch}"], &["os"]);
        assert_eq!(epochs, Ok("-os@5[1] -os@9[1]".to_owned()));
        let one = chosen(header, &["os_s{seed}_e{epoch}"], &["os@9"]);
        assert_eq!(one, Ok("os@5[1] -os@9[1]".to_owned()));
    }

    #[test]
    fn what_is_negated_narrows_nothing() {
        let all = chosen(HEADER, &[], &["loss"]);
        assert_eq!(all, Ok("-loss val_loss_s1* val_loss_s2* acc*".to_owned()));
        let all = chosen(HEADER, &[], &["val_loss_s{seed}"]);
        assert_eq!(all, Ok("-val_loss[1, 2] acc* loss*".to_owned()));
    }

    #[test]
    fn what_finds_nothing_is_an_error_with_the_nearest() {
        let wrong = |named: &[&str], negated: &[&str]| chosen(HEADER, named, negated).unwrap_err();
        assert!(wrong(&["lss"], &[]).contains("no column `lss`; did you mean `loss`?"));
        let said = wrong(&["val_lss_s{seed}"], &[]);
        assert!(said.contains("no column `val_lss_s{seed}`; did you mean `val_loss_s"), "{said}");
        assert!(wrong(&["acc", "val_lss_s{seed}"], &[]).contains("no column"));
        let said = wrong(&["val_loss_s{seed}"], &["val_los"]);
        assert!(said.contains("did you mean `val_loss`?"), "{said}");
        assert!(wrong(&["acc_s{sed}"], &[]).contains("not {sed}"));
        assert!(wrong(&["acc_s{seed"], &[]).contains("is unmatched"));
    }

    #[test]
    fn two_rows_of_one_name_are_not_averaged() {
        let header = "arch,acc,acc_s1,acc_s01";
        let wrong = |named: &[&str]| chosen(header, named, &[]).unwrap_err();
        let said = wrong(&["acc", "acc_s{seed}"]);
        assert!(said.contains("`acc` and `acc_s1` would both be called `acc`"), "{said}");
        assert!(wrong(&["acc_s{seed}"]).contains("`acc_s1` and `acc_s01`"));
        assert_eq!(chosen(header, &["acc", "acc"], &[]), Ok("acc".to_owned()));
        let twice = chosen("arch,acc,acc,b", &["acc"], &[]).unwrap_err();
        assert!(twice.contains("2 columns `acc`"), "{twice}");
        assert_eq!(chosen("arch,acc,acc,b", &[], &[]), Ok("b*".to_owned()));
    }
}
