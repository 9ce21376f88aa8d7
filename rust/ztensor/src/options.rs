//! What all structs of options have.

/// `new`, and methods that set a field each and give the options back: `/// Text` and `field: Type => value of the
/// field`.
macro_rules! setters {
    ($options:ident: $($(#[$text:meta])* $field:ident: $kind:ty => $value:expr;)*) => {
        impl $options {
            /// The defaults.
            pub fn new() -> $options {
                $options::default()
            }
            $(
                $(#[$text])*
                pub fn $field(&mut self, $field: $kind) -> &mut $options {
                    self.$field = $value;
                    self
                }
            )*
        }
    };
}
