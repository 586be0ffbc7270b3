//! A real server on loopback, and what attaches to it.

mod api;
mod attach;
mod bad_input;
mod cut;
mod edit;
mod post;
mod proxy;
mod rights;
mod tls;
