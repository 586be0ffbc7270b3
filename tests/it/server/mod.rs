//! A real server on loopback, and what attaches to it.

mod api;
mod attach;
mod bad_input;
mod by_command_line;
mod cut;
mod documented;
mod edit;
mod house;
mod limits;
pub mod post;
mod proxy;
mod revoked;
mod rights;
mod sign_in;
mod tls;
mod turns;
mod upkeep;
