//! What a process was started with, and whose it is.

pub use crate::sys::unix::variables::variables;

use super::stat;
use crate::sys::sysctl;

/// Whether `pid` runs, and as our own user.
pub fn is_of_our_user(pid: u32) -> bool {
    let me = rustix::process::geteuid().as_raw();
    matches!(stat::read(pid), Ok(Some(stat)) if stat.uid == me && !stat.is_dead())
}

/// The environment of `pid`, its variables separated by zeros. The system shows it of programs of our own user, and of
/// some of its own (those under System Integrity Protection) not even then.
pub fn environment(pid: u32) -> Option<Vec<u8>> {
    let environment = environment_in(&sysctl::arguments(pid).ok()?)?;
    (!environment.is_empty()).then_some(environment)
}

/// What comes after the arguments.
fn environment_in(told: &[u8]) -> Option<Vec<u8>> {
    let (count, rest) = told.split_first_chunk::<4>()?;
    let count = usize::try_from(i32::from_ne_bytes(*count)).ok()?;
    let path_ends = rest.iter().position(|&byte| byte == 0)?;
    let padded = rest.get(path_ends..)?;
    let begin = padded.iter().position(|&byte| byte != 0)?;
    let mut texts = padded.get(begin..)?.split(|&byte| byte == 0);
    texts.by_ref().take(count).for_each(drop);
    // Strings of the kernel's own follow after an empty one.
    let variables: Vec<&[u8]> = texts.take_while(|text| !text.is_empty()).collect();
    Some(variables.join(&0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_not_taken_for_variables() {
        let told = [&2_i32.to_ne_bytes()[..], b"/bin/x\0\0\0\0x\0A=no\0A=1\0B=2\0\0ptr_munge=\0"].concat();
        assert_eq!(environment_in(&told).as_deref(), Some(&b"A=1\0B=2"[..]));
        assert_eq!(environment_in(b"\x01\0"), None);
    }
}
