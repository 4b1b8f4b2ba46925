//! What a component is, how it declares itself, and every one there is.
