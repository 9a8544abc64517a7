//! Who may do what (SPEC 5.3), as rules: no rule about permission stands anywhere else.
//!
//! | module | says |
//! | --- | --- |
//! | `host` | which addresses and names a pattern means |
//! | `forwarded` | for whom a proxy says that it asks |
//! | `caller` | who is asking: trusted, by a token, or somebody else |
//! | `bearer` | whose token it is |
//! | `operation` | what may be asked |
//! | `decide` | who may ask what, in one table |
//! | `executable` | which programs other peers may name |
//! | `variables` | which environment variables would run another program |
//! | `admission` | what else is refused in what other peers register |
//! | `browser` | what a page in a browser may do: `Host`, `Origin`, CORS |
//! | `rate` | how much one peer may ask |
//!
//! A request goes through them in this order: [`rate`], [`browser`], [`Caller`], [`decide()`], and, when it
//! registers or changes a process, [`admission`].

pub mod admission;
mod bearer;
pub mod browser;
mod caller;
mod decide;
pub mod executable;
mod forwarded;
mod host;
mod operation;
pub mod rate;
mod variables;

pub use bearer::{BadToken, bearer_of, token_of};
pub use caller::{Caller, Connection, Doubt, Holder, Peer, Standing};
pub use decide::{Denial, Flag, decide};
pub use forwarded::{ForwardedBy, Forwarding};
pub use host::{BadPattern, HostPattern, HostPatterns};
pub use operation::Operation;
pub use variables::runs_other_code;
