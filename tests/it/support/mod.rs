//! What several integration tests share.

pub mod audit;
pub mod dice;
pub mod hooked;
pub mod machine;
pub mod postgres;
pub mod postgres_failing;
pub mod prometheus;
pub mod pty;
pub mod scale;
pub mod scripted_model;
pub mod sink;
pub mod sshd;
pub mod stripe;
