//! What several integration tests share.

pub mod hooked;
pub mod pty;
pub mod scripted_model;
