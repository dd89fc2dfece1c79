//! The content of the catalogue.
