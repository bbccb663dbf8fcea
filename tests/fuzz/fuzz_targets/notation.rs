//! Architectures in the notation of every bundled search space.

#![no_main]

use osee_testkit::read_back;
use space_nb101::{Nb101, Nb101SubSpace3};
use space_nb201::Nb201;
use space_nb301::Nb301;
use space_nds::{Nds, ResNeXtA, ResNet};

libfuzzer_sys::fuzz_target!(|text: &str| {
    read_back::<Nb101>(text).unwrap();
    read_back::<Nb101SubSpace3>(text).unwrap();
    read_back::<Nb201>(text).unwrap();
    read_back::<Nb301>(text).unwrap();
    read_back::<Nds<ResNet>>(text).unwrap();
    read_back::<Nds<ResNeXtA>>(text).unwrap();
});
