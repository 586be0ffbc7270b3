//! What several integration tests share.

pub mod machine;
pub mod pty;
pub mod scripted_model;
