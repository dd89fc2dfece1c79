//! The public door: REST, pages, real time.
