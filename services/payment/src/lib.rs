//! Payments with every provider, and what providers tell us.
