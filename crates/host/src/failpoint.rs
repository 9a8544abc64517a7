//! Places at which a test can kill this very process, as `kill -9` would.

/// Names a place at which `FAILPOINTS=name=1*return` kills this process with SIGKILL the first time
/// it is reached. Compiles to nothing without the feature `failpoints`.
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        $crate::failpoint::reached($name)
    };
}

/// Arms the crash points that the environment names, for the life of this process. First thing in `main`.
#[cfg(feature = "failpoints")]
pub fn arm() {
    std::mem::forget(fail::FailScenario::setup());
}

/// See the other.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn arm() {}

/// See [`crash_point!`].
#[cfg(feature = "failpoints")]
pub fn reached(name: &str) {
    let _: Option<()> = fail::eval(name, |_| {
        // Nothing to do about a failure: the test then sees that we live.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    });
}

/// See [`crash_point!`].
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn reached(_name: &str) {}
