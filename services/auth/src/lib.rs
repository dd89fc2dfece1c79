//! Accounts, sessions, merchants and their staff.
