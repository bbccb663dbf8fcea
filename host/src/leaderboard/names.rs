//! Names runs so that they can be told apart.

use super::Leaderboard;
use osee_files::csv_text::distinct;
use std::path::PathBuf;

/// What two runs of one study may differ in, the most informative first.
const ASPECTS: [fn(&Leaderboard) -> String; 3] = [
    |board| board.data.clone(),
    |board| match &*board.seeds {
        [one] => format!("seed {one}"),
        all => {
            let all: Vec<String> = all.iter().map(u64::to_string).collect();
            format!("seeds {}", all.join(" "))
        }
    },
    truth,
];

/// What else two runs may differ in.
const OTHERS: [fn(&Leaderboard) -> String; 3] =
    [|board| board.space.clone(), |board| board.protocol.clone(), Leaderboard::population];

fn truth(board: &Leaderboard) -> String {
    let truth = board.truth.as_ref();
    truth.map_or_else(|| "no truth".to_owned(), |it| format!("{} of {}", it.column, it.table()))
}

/// Makes distinct names for `boards`, whose runs are in `folders`: the name of the
/// study; if those are not distinct, with the differences (images, seeds, truth, then
/// others), and finally with the folder.
pub fn told_apart(boards: &[Leaderboard], folders: &[PathBuf]) -> Vec<String> {
    let names: Vec<String> = boards.iter().map(|board| board.name.clone()).collect();
    if are_distinct(&names) {
        return names;
    }
    let with = |differences: &[Vec<String>]| -> Vec<String> {
        let both = names.iter().zip(differences);
        let one = |(name, its): (&String, &Vec<String>)| match its.as_slice() {
            [] => name.clone(),
            some => format!("{name} ({})", some.join("; ")),
        };
        both.map(one).collect()
    };
    let mut differences = vec![Vec::new(); boards.len()];
    for aspects in [&ASPECTS, &OTHERS] {
        add(&mut differences, boards, aspects);
        let named = with(&differences);
        if are_distinct(&named) {
            return named;
        }
    }
    let last = |folder: &PathBuf| {
        folder.file_name().map_or_else(String::new, |it| it.to_string_lossy().into_owned())
    };
    let short: Vec<String> = folders.iter().map(last).collect();
    let folders = match are_distinct(&short) {
        true => short,
        false => folders.iter().map(|folder| folder.display().to_string()).collect(),
    };
    differences.iter_mut().zip(folders).for_each(|(its, folder)| its.push(folder));
    // One folder may be given twice.
    distinct(with(&differences))
}

/// Adds the aspects in which the boards differ.
fn add(to: &mut [Vec<String>], boards: &[Leaderboard], aspects: &[fn(&Leaderboard) -> String]) {
    for aspect in aspects {
        let values: Vec<String> = boards.iter().map(aspect).collect();
        if values.windows(2).any(|pair| pair[0] != pair[1]) {
            to.iter_mut().zip(values).for_each(|(its, value)| its.push(value));
        }
    }
}

fn are_distinct(names: &[String]) -> bool {
    (1..names.len()).all(|at| !names[..at].contains(&names[at]))
}
