//! What several integration tests share.

pub mod pty;
pub mod scripted_model;
