//! The monitor as a user has it: the real program, real processes, the command line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
// What a test holds on to may be unused in another.
#![allow(dead_code)]

mod access;
mod access_pages;
mod access_peers;
mod access_programs;
mod aliveness;
mod api;
mod api_answers;
mod api_clients;
mod api_odd;
mod attempts;
mod batch;
mod bodies;
mod changes;
mod chaos;
mod client_examples;
mod config_api;
mod crash_points;
mod daemons;
mod disk;
mod elsewhere;
mod events;
mod files;
mod harness;
mod health;
mod health_bad_servers;
mod http;
mod lifecycle;
mod limits;
mod logs;
mod logs_bounds;
mod openapi;
mod output;
mod pair;
mod process_one;
mod readiness;
mod readme;
mod real_programs;
mod registry;
mod registry_disks;
mod registry_edits;
mod registry_refused;
mod secrets;
mod service;
mod settings;
mod spawn_errors;
mod succession;
mod succession_failed;
mod succession_load;
mod succession_notices;
mod succession_refused;
mod survival;
mod survival_at_random;
mod survival_of_wishes;
mod survival_while_away;
mod tcp;
mod tcp_limits;
mod tls;
mod tree;
mod under_manager;
mod upgrade;
mod users;
mod waiting;
