//! Pages: templates, texts and styles of the storefront and the panels.
