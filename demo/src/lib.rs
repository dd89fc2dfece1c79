//! Demo catalogue and accounts.
