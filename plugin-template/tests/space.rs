//! Tests the space natively and through its library, with the same assertions.

use osee_sdk::prelude::*;
use osee_testkit::{Library, notation};
use {{crate_name}}::{{project-name | upper_camel_case}};

#[test]
fn every_architecture_is_read_as_it_was_written_and_makes_a_graph() {
    let own = {{project-name | upper_camel_case}};
    let settings = {{project-name | upper_camel_case}}::info().defaults();
    let loaded = Library::of_crate("{{crate_name}}").unwrap().space("{{crate_name}}").unwrap();
    for index in 0..27 {
        let arch = own.architecture(index).unwrap();
        let text = arch.to_string();
        assert_eq!(loaded.architecture(index), Ok(text.clone()));
        assert_eq!(loaded.parse(&text), Ok(text.clone()));
        assert_eq!(own.mutations(&arch).len(), 6);
        assert_eq!(loaded.graph(&text, &settings), own.graph(&arch, &settings));
    }
    for wrong in ["3-2-5", "3-1-5-1", "3-x-1-5", "3-1", "3-1-x-5", "3-1-5-"] {
        assert!(loaded.parse(wrong).is_err(), "{wrong}");
    }
    notation::<{{project-name | upper_camel_case}}>(&[]).unwrap();
}
