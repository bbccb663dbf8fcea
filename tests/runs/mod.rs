//! Runs from a study to a leaderboard, whatever happens to them.

mod bad_input;
mod benchmark;
mod combine;
mod exports;
mod faults;
mod gpu;
mod help;
mod hints;
mod interruptions;
mod one_shot;
mod one_shot_refused;
mod options;
mod outputs;
mod refusals;
mod resume;
mod scale;
mod submit;
mod unfinished;
