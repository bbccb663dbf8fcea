//! A set of changes to a struct, as study files have them: every field may be
//! absent, and one set lies on top of another.

/// A struct with fields of its own, and one optional field for each that it
/// changes of a base. It gets `applied_to`, the base with the changes, and `or`,
/// the changes with those of another set where it has none itself.
macro_rules! overlay {
    (
        $(#[$meta:meta])*
        pub struct $name:ident { $($(#[$own_meta:meta])* pub $own:ident: $own_type:ty,)* }
        changes $base:ident { $($field:ident: $type:ty,)* }
    ) => {
        $(#[$meta])*
        pub struct $name {
            $($(#[$own_meta])* pub $own: $own_type,)*
            $(
                #[doc = concat!("See [`", stringify!($base), "::", stringify!($field), "`].")]
                #[serde(default)]
                pub $field: Option<$type>,
            )*
        }

        impl $name {
            /// `base` with these changes.
            fn applied_to(&self, base: $base) -> $base {
                $base { $($field: self.$field.unwrap_or(base.$field),)* ..base }
            }

            /// These changes, and those of `below` where there are none.
            pub fn or(self, below: &Self) -> Self {
                Self { $($field: self.$field.or(below.$field),)* ..self }
            }
        }
    };
}

pub(super) use overlay;
