//! The stand-ins, seen by a merchant, a payer and a shop's servers.

#[cfg(test)]
mod cards;
#[cfg(test)]
mod click;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod payme;
#[cfg(test)]
mod support;
