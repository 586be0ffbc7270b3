//! Integration tests, in one binary so that dependencies are linked once.

mod config;
mod config_agents;
mod config_procedures;
mod models;
mod models_forms;
mod models_routing;
mod models_story;
mod policy;
mod policy_faults;
mod policy_tools;
mod readme;
mod runtime;
mod sandbox;
mod server;
mod sim;
mod store;
mod store_contract;
mod store_tamper;
mod story_attach;
mod story_commands;
mod story_console;
mod support;
mod tools;
