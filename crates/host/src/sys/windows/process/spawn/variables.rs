//! The environment of a program, as one block.

use super::wide;
use crate::process::spawn::{
    NOT_FOR_PROGRAMS, PROCESS_ID_VARIABLE, RUN_ID_VARIABLE, SpawnError, SpawnRequest,
};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use windows_sys::Win32::Globalization::{CSTR_EQUAL, CSTR_LESS_THAN, CompareStringOrdinal};

/// A name: upper and lower case are the same, and the order is that in which the system wants them in a block ("Changing
/// Environment Variables": sorted without regard to case or language).
#[derive(Clone)]
pub struct Name(Vec<u16>);

impl Name {
    /// Of a text.
    pub fn new(name: &OsStr) -> Self {
        Self(wide(name))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        let length = |text: &[u16]| i32::try_from(text.len()).unwrap_or(i32::MAX);
        // SAFETY: both texts have the lengths that are told.
        let order = unsafe {
            CompareStringOrdinal(self.0.as_ptr(), length(&self.0), other.0.as_ptr(), length(&other.0), 1)
        };
        match order {
            CSTR_LESS_THAN => Ordering::Less,
            CSTR_EQUAL => Ordering::Equal,
            _ => Ordering::Greater,
        }
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Name {}

/// What a program finds: name as written, and value.
pub type Variables = BTreeMap<Name, (OsString, OsString)>;

/// The program's environment: the monitor's own, then the additions, then the marks of the run, which nothing replaces, because its
/// tree is known by them.
pub fn variables(request: &SpawnRequest<'_>) -> Result<Variables, SpawnError> {
    let mut variables = Variables::new();
    let mut put = |name: &OsStr, value: &OsStr| {
        variables.insert(Name::new(name), (name.to_owned(), value.to_owned()));
    };
    for (name, value) in std::env::vars_os() {
        if !NOT_FOR_PROGRAMS.iter().any(|not| name.eq_ignore_ascii_case(not)) {
            put(&name, &value);
        }
    }
    for (name, value) in &request.environment {
        if name.is_empty() || name.as_encoded_bytes().contains(&b'=') {
            return Err(SpawnError::VariableName { name: name.to_string_lossy().into_owned() });
        }
        if [name, value].iter().any(|text| text.as_encoded_bytes().contains(&0)) {
            return Err(SpawnError::NulByte {
                what: format!("the environment variable {}", name.to_string_lossy()),
            });
        }
        put(name, value);
    }
    put(RUN_ID_VARIABLE.as_ref(), request.run.as_str().as_ref());
    put(PROCESS_ID_VARIABLE.as_ref(), request.process.as_str().as_ref());
    Ok(variables)
}

/// The value of a variable.
pub fn value<'a>(variables: &'a Variables, name: &str) -> Option<&'a OsStr> {
    variables.get(&Name::new(name.as_ref())).map(|(_, value)| value.as_os_str())
}

/// In the form that `CreateProcessW` takes: `name=value`, each ended by a zero, and one more zero.
pub fn block(variables: &Variables) -> Vec<u16> {
    let mut block = Vec::new();
    for (name, value) in variables.values() {
        block.extend(wide(name));
        block.push(b'='.into());
        block.extend(wide(value));
        block.push(0);
    }
    block.push(0);
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_by_more_than_case() {
        let name = |text: &str| Name::new(text.as_ref());
        assert!(name("Path") == name("PATH") && name("\u{e4}") == name("\u{c4}"));
        assert!(name("A_") > name("AB"), "as upper case letters");
        assert!(name("=C:") < name("A") && name("A") < name("AA"));
    }

    #[test]
    fn a_block_is_sorted_and_ended() {
        let mut variables = Variables::new();
        for (name, value) in [("b", "2"), ("A", "1"), ("B", "3")] {
            variables.insert(Name::new(name.as_ref()), (name.into(), value.into()));
        }
        assert_eq!(String::from_utf16(&block(&variables)).unwrap(), "A=1\0B=3\0\0");
        assert_eq!(value(&variables, "b"), Some(OsStr::new("3")));
    }
}
