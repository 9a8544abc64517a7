//! A program says whether it is well: to a process monitor that asks over HTTP, and to a service manager that wants to
//! be told. Embedded by the programs that are managed; it needs nothing of who manages them.
//!
//! A program without a runtime:
//!
//! ```
//! # fn main() -> Result<(), aliveness::Error> {
//! let server = aliveness::Server::new().port(0).health(|| true).start()?;
//! println!("listening on {}", server.address());
//! # Ok(())
//! # }
//! ```
//!
//! The same in a tokio program, where async callbacks run on its runtime. One that is stuck is then seen to be stuck:
//!
//! ```
//! use aliveness::{Health, Server, json};
//!
//! # async fn ping_database() -> Result<(), std::io::Error> { Ok(()) }
//! # fn queued_jobs() -> u64 { 3 }
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), aliveness::Error> {
//!     let server = Server::new()
//!         .health_async(|| async {
//!             match ping_database().await {
//!                 Ok(()) => Health::healthy().with("database", "up"),
//!                 Err(error) => Health::unhealthy(format!("no database: {error}")),
//!             }
//!         })
//!         .status(|| json!({ "queuedJobs": queued_jobs() }))
//!         .start()?;
//!     aliveness::sd_notify::ready()?;
//!     // … the program …
//!     server.stop_async().await;
//!     Ok(())
//! }
//! ```
//!
//! Custom routes:
//!
//! ```
//! # fn main() -> Result<(), aliveness::Error> {
//! use aliveness::{Method, Reply, Server, StatusCode};
//!
//! let server = Server::new()
//!     .route(Method::GET, "/version", |_| env!("CARGO_PKG_VERSION"))
//!     .route(Method::POST, "/echo", |request| match request.body() {
//!         [] => Reply::text("nothing to echo").with_status(StatusCode::BAD_REQUEST),
//!         body => Reply::new("application/octet-stream", body),
//!     })
//!     .start()?;
//! # Ok(())
//! # }
//! ```
//!
//! **What it costs.** One thread, which waits; while a callback runs, one more, which is kept for 10 s in case of the next
//! call. Callbacks that panic or hang cost nobody but themselves, see [`Server`]. With `panic = "abort"` a panic in a
//! callback ends the program, as any other.
//!
//! | file | what |
//! | --- | --- |
//! | `server` | [`Server`]: what is served, where, within which bounds |
//! | `handle` | [`Handle`]: the running server |
//! | `health` | [`Health`]: what a health callback says |
//! | `route` | custom routes; which one a request means |
//! | `answer` | from a request to its answer |
//! | `callback` | calling the program's code so that nothing it does reaches the server |
//! | `serve` | the server's thread: connections, and stopping |
//! | `limits` | what the server puts up with |
//! | [`sd_notify`] | telling the service manager; the watchdog |

mod answer;
mod callback;
mod error;
mod handle;
mod health;
mod limits;
mod route;
pub mod sd_notify;
mod serve;
mod server;

pub use error::Error;
pub use handle::Handle;
pub use health::Health;
pub use hyper::{Method, StatusCode};
pub use route::{Reply, Request};
pub use serde_json::{Value, json};
pub use server::Server;
