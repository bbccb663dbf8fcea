//! The osee host.

fn main() {}
