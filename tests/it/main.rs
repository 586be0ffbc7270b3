//! Integration tests, in one binary so that dependencies are linked once.

mod access_door;
mod accounts_contract;
mod assurance;
mod config;
mod config_agents;
mod config_procedures;
mod looking;
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
mod sim;
mod store;
mod store_contract;
mod store_tamper;
mod story_access;
mod story_commands;
mod story_console;
mod support;
mod tools;
