//! What people bring: the configuration, agents and procedures, each with a bundled default.
//!
//! Reading, checking and saying what is wrong (file, line, column, key, what to do) happen here; acting on the
//! settings happens elsewhere. Nothing is read before somebody asks for it, and a secret is never kept in a file
//! of settings: the settings say where it is.

mod access;
mod agents;
mod billing;
mod front_matter;
mod hosts;
mod incidents;
mod library;
mod limits;
mod literal;
mod looking;
mod maintenance;
mod markdown;
mod oncall;
mod paths;
mod plans;
mod procedures;
mod read;
mod scripts;
mod secret;
mod serde_words;
mod settings;
mod steps;
mod table;
mod widen;

pub use access::{AccessSection, JwtSection, OwnRequests};
pub use agents::{Agent, Agents};
pub use billing::{BillingMisfit, BillingSection, StripeSection};
pub use hosts::HostSection;
pub use incidents::{Classify, IncidentsSection, InhibitSection, MappingSection, ReceiverSection};
pub use library::{Library, Missing};
pub use limits::{BudgetsSection, RunLimits};
pub use looking::{ProbeSection, WatchSection};
pub use maintenance::MaintenanceSection;
pub use oncall::{
    EmailNotifier, EmailSecurity, OnCallSection, PagerDutyNotifier, Person, ScheduleSection, SlackNotifier,
    StepSection, WebhookNotifier,
};
pub use paths::{Overrides, Paths, PathsError, PlatformDirs, is_absent};
pub use plans::read_plans;
pub use procedures::{Needs, Procedure, Procedures};
pub use read::Absence;
pub use secret::{SecretError, SecretSource};
pub use settings::{
    CallStyle, Config, Console, GitSection, HooksChoice, Keys, Model, PolicySection, Provider, Retry, SandboxSection,
    StoreSection, TimeChoice, Timeouts,
};
pub use widen::with_alert;
