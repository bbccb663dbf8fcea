//! The space natively and through its library, by the same assertions.

use osee_sdk::model::settings::Settings;
use osee_sdk::{prelude::*, testkit};

#[test]
fn every_architecture_is_read_as_it_was_written_and_makes_a_graph() {
    let own = {{crate_name}}::{{project-name | upper_camel_case}};
    let library = std::env::current_exe().unwrap().with_file_name("lib{{crate_name}}.so");
    let loaded = testkit::space_of_library(&library, "{{crate_name}}").unwrap();
    for index in 0..27 {
        let arch = own.architecture(index).unwrap();
        assert_eq!(loaded.architecture(index).unwrap(), arch.to_string());
        assert_eq!(loaded.parse(&arch.to_string()).unwrap(), arch.to_string());
        assert_eq!(own.mutations(&arch).len(), 6);
        let graph = own.graph(&arch, &Settings::default()).unwrap();
        assert_eq!(loaded.graph(&arch.to_string(), &Settings::default()).unwrap(), graph);
    }
    for wrong in ["3-2-5", "3-1-5-1", "3-x-1-5", "3-1", "3-1-x-5", "3-1-5-"] {
        assert!(loaded.parse(wrong).is_err(), "{wrong}");
    }
    testkit::notation::<{{crate_name}}::{{project-name | upper_camel_case}}>(&[]).unwrap();
}
