//! Money and stock: offers, prices, checkout, orders.
