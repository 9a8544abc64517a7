//! When a call is made again.

use crate::Error;
use std::time::Duration;

/// How long to wait before each further try of a call, while the monitor cannot be reached. A call that changes
/// nothing when it is made twice is tried again also when the connection broke; any other one only when it never left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry(Vec<Duration>);

/// 2, 4, 8, 16 and 32 seconds.
impl Default for Retry {
    fn default() -> Self {
        Self([2, 4, 8, 16, 32].map(Duration::from_secs).into())
    }
}

/// One further try after each of these waits.
impl From<Vec<Duration>> for Retry {
    fn from(waits: Vec<Duration>) -> Self {
        Self(waits)
    }
}

impl Retry {
    /// One try, and no more.
    pub fn never() -> Self {
        Self(Vec::new())
    }

    /// Makes `attempt`s until one succeeds, fails for good, or the waits are used up. `repeatable`: whether it does no
    /// harm that the monitor carries it out twice.
    pub(crate) async fn run<T, F>(&self, repeatable: bool, attempt: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        for wait in &self.0 {
            match attempt().await {
                Err(error) if may_pass(&error, repeatable) => tokio::time::sleep(*wait).await,
                outcome => return outcome,
            }
        }
        attempt().await
    }
}

/// Whether the same call may succeed later, and may be made.
fn may_pass(error: &Error, repeatable: bool) -> bool {
    match error {
        Error::NotRunning { .. } | Error::Unreachable { .. } => true,
        Error::Interrupted { .. } | Error::Unresponsive { .. } => repeatable,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use tokio::time::Instant;

    fn unreachable() -> Error {
        Error::Unreachable { url: "http://nas".into(), source: "refused".into() }
    }

    fn interrupted() -> Error {
        Error::Interrupted { request: "GET /".into(), source: "cut".into() }
    }

    /// The seconds at which the tries are made, and what comes of them.
    async fn tries(
        retry: &Retry,
        repeatable: bool,
        answer: impl Fn(usize) -> Result<(), Error>,
    ) -> (Vec<u64>, Result<(), Error>) {
        let (begin, at) = (Instant::now(), RefCell::new(Vec::new()));
        let outcome = retry
            .run(repeatable, || {
                at.borrow_mut().push(begin.elapsed().as_secs());
                let number = at.borrow().len();
                std::future::ready(answer(number))
            })
            .await;
        (at.into_inner(), outcome)
    }

    #[tokio::test(start_paused = true)]
    async fn the_waits_double_and_then_it_is_told() {
        let (at, outcome) = tries(&Retry::default(), false, |_| Err(unreachable())).await;
        assert_eq!(at, [0, 2, 6, 14, 30, 62]);
        assert!(matches!(outcome, Err(Error::Unreachable { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_ends_it() {
        let answer = |number| if number == 3 { Ok(()) } else { Err(unreachable()) };
        let (at, outcome) = tries(&Retry::default(), false, answer).await;
        assert!(outcome.is_ok());
        assert_eq!(at, [0, 2, 6]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_have_been_carried_out_is_tried_again_only_when_that_does_no_harm() {
        let retry = Retry::from(vec![Duration::from_secs(1)]);
        assert_eq!(tries(&retry, false, |_| Err(interrupted())).await.0, [0]);
        assert_eq!(tries(&retry, true, |_| Err(interrupted())).await.0, [0, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_final_and_never_means_once() {
        let refusal = |_| Err(Error::PermissionDenied { what: "no".into(), by_monitor: true });
        assert_eq!(tries(&Retry::default(), true, refusal).await.0, [0]);
        assert_eq!(tries(&Retry::never(), true, |_| Err(unreachable())).await.0, [0]);
    }
}
