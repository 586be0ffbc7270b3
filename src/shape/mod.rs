//! What scripts see, be it on a command line or over HTTP: the objects, and how what they name is found.
//!
//! Field names are kept across releases. Nothing here performs I/O of its own: it asks the ports it is given.

mod access;
mod audit;
mod escape;
mod find;
mod finding;
mod list;
mod moment;
mod object;
mod store;
mod subject;
mod thread;

pub use access::AccountDetail;
pub use access::AccountShape;
pub use access::IssuedToken;
pub use access::RoleShape;
pub use access::TokenNotFound;
pub use access::TokenShape;
pub use access::TotpShape;
pub use access::token;
pub use audit::Audited;
pub use audit::audit;
pub use escape::escaped;
pub use find::NotOne;
pub use find::Prefer;
pub use find::find;
pub use finding::Finding;
pub use finding::Health;
pub use list::approvals;
pub use list::approvals_in;
pub use list::runs;
pub use moment::NotPast;
pub use moment::ago;
pub use moment::past;
pub use object::ApprovalDetail;
pub use object::ApprovalShape;
pub use object::OfferDetail;
pub use object::RunDetail;
pub use object::RunShape;
pub use object::Verification;
pub use store::BackupFile;
pub use store::BackupShape;
pub use store::ErasedShape;
pub use store::Pruned;
pub use store::Rebuilt;
pub use store::RowCheck;
pub use store::StoreShape;
pub use store::Trial;
pub use subject::ExportError;
pub use subject::Sources;
pub use subject::SubjectExport;
pub use thread::thread;
