//! Places at which a test can kill this very process, as `kill -9` would, or have something fail.

/// Names a place at which `FAILPOINTS=name=1*return` kills this process with SIGKILL the first time
/// it is reached. Compiles to nothing without the feature `failpoints`.
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        $crate::failpoint::reached($name)
    };
}

/// Names a place at which `FAILPOINTS=name=1*return` has what follows fail. Never fails without the feature `failpoints`.
///
/// # Errors
/// When a test wants it so.
#[cfg(feature = "failpoints")]
pub fn refused(name: &str) -> std::io::Result<()> {
    let wanted = fail::eval(name, |_| std::io::Error::other("a test wants it so"));
    wanted.map_or(Ok(()), Err)
}

/// See the other.
///
/// # Errors
/// Never.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn refused(_name: &str) -> std::io::Result<()> {
    Ok(())
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
        crate::sys::death::kill_self();
    });
}

/// See [`crash_point!`].
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn reached(_name: &str) {}
