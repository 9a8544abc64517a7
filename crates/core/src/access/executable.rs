//! Which programs other peers may name: `executableWhitelist` and `executableBlacklist`.

use crate::model::{Problem, RemoteAccess};
use globset::{GlobBuilder, GlobMatcher};
use std::path::Path;

/// How the system writes and compares paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathStyle {
    /// `/` separates, `\` quotes, case counts.
    Unix,
    /// `\` and `/` separate, case does not count.
    Windows,
}

/// Why other peers may not run a program, and what would permit it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // each field is what its message says
pub enum NotPermitted {
    /// Nothing is permitted.
    #[error(
        "remoteAccess.executableWhitelist is empty, so other hosts may register no program; a trusted peer can \
         add {path:?}"
    )]
    EmptyWhitelist { path: String },
    /// No pattern permits it.
    #[error("no pattern of remoteAccess.executableWhitelist matches {path:?}; a trusted peer can add it")]
    NotListed { path: String },
    /// A pattern forbids it.
    #[error(
        "{pattern:?} of remoteAccess.executableBlacklist matches {path:?}; only a trusted peer can change that"
    )]
    Forbidden { path: String, pattern: String },
}

/// Both lists, ready to be asked.
pub struct ExecutableRules {
    whitelist: Vec<GlobMatcher>,
    blacklist: Vec<(String, GlobMatcher)>,
    /// A pattern of the blacklist that cannot be read forbids everything: what it was to forbid is unknown.
    unreadable: Option<String>,
    is_empty: bool,
}

impl ExecutableRules {
    /// The rules of `access`. `resolve` tells where a path really leads (links and `..` resolved); `None` when
    /// that is nowhere.
    ///
    /// A pattern of either list counts as it is written and with its literal leading folders resolved, so that
    /// `/bin/true` means `/usr/bin/true` where `/bin` is a link. One of the blacklist that is a whole path also means
    /// the file it leads to (`/bin/sh` forbids the shell behind that link), and one without a separator means every
    /// program of that name. The whitelist is read no wider than it is written: where many commands are links to one
    /// program, permitting one of them must not permit that program.
    pub fn new(access: &RemoteAccess, style: PathStyle, resolve: impl Fn(&str) -> Option<String>) -> Self {
        let whitelist = &access.executable_whitelist;
        let mut rules = Self {
            whitelist: whitelist.iter().flat_map(|p| permitting(p, style, &resolve)).collect(),
            blacklist: Vec::new(),
            unreadable: None,
            is_empty: whitelist.is_empty(),
        };
        for pattern in &access.executable_blacklist {
            match forbidding(pattern, style, &resolve) {
                Ok(globs) => rules.blacklist.extend(globs.into_iter().map(|glob| (pattern.clone(), glob))),
                Err(_) => rules.unreadable = Some(pattern.clone()),
            }
        }
        rules
    }

    /// Whether other peers may run `program`, a path with nothing left to resolve.
    ///
    /// # Errors
    /// Which list says no.
    pub fn permit(&self, program: &Path) -> Result<(), NotPermitted> {
        let path = program.display().to_string();
        let forbidden =
            self.blacklist.iter().find(|(_, glob)| glob.is_match(program)).map(|(pattern, _)| pattern);
        if let Some(pattern) = forbidden.or(self.unreadable.as_ref()) {
            return Err(NotPermitted::Forbidden { path, pattern: pattern.clone() });
        }
        match self.whitelist.iter().any(|glob| glob.is_match(program)) {
            true => Ok(()),
            false if self.is_empty => Err(NotPermitted::EmptyWhitelist { path }),
            false => Err(NotPermitted::NotListed { path }),
        }
    }
}

/// What cannot be read about the patterns at `field`.
pub(crate) fn pattern_problems<'a>(
    field: &'a str,
    patterns: &'a [String],
) -> impl Iterator<Item = Problem> + 'a {
    patterns.iter().enumerate().filter_map(move |(n, pattern)| {
        let why = glob(pattern, PathStyle::Unix).err()?;
        let path = crate::model::JsonPath::root().key(field).index(n);
        Some(Problem::at(
            path,
            format!("expected a pattern of paths such as /opt/app/*, found {pattern:?}: {}", why.kind()),
        ))
    })
}

fn permitting(
    pattern: &str,
    style: PathStyle,
    resolve: impl Fn(&str) -> Option<String>,
) -> impl Iterator<Item = GlobMatcher> {
    let resolved = with_resolved_folder(pattern, style, resolve);
    let written = glob(pattern, style).ok();
    written.into_iter().chain(resolved.and_then(|pattern| glob(&pattern, style).ok()))
}

fn forbidding(
    pattern: &str,
    style: PathStyle,
    resolve: impl Fn(&str) -> Option<String>,
) -> Result<Vec<GlobMatcher>, globset::Error> {
    let mut patterns = vec![pattern.to_owned()];
    patterns.extend(with_resolved_folder(pattern, style, &resolve));
    if !pattern.contains(is_special) {
        patterns.extend(resolve(pattern).map(|path| globset::escape(&path)));
    }
    if !pattern.is_empty() && !pattern.contains(|c| is_separator(c, style)) {
        patterns.push(format!("**/{pattern}"));
    }
    patterns.iter().map(|pattern| glob(pattern, style)).collect()
}

fn glob(pattern: &str, style: PathStyle) -> Result<GlobMatcher, globset::Error> {
    let glob = GlobBuilder::new(pattern)
        .literal_separator(true)
        .empty_alternates(true)
        .case_insensitive(style == PathStyle::Windows)
        .backslash_escape(style == PathStyle::Unix)
        .build()?;
    Ok(glob.compile_matcher())
}

/// The pattern with its literal leading folders replaced by where they lead.
fn with_resolved_folder(
    pattern: &str,
    style: PathStyle,
    resolve: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let literal = pattern.find(is_special).unwrap_or(pattern.len());
    let end = pattern.get(..literal)?.rfind(|c| is_separator(c, style))?;
    let (folder, rest) = pattern.split_at_checked(end)?;
    let folder = if folder.is_empty() { "/" } else { folder };
    let resolved = resolve(folder)?;
    Some(format!("{}{rest}", globset::escape(resolved.trim_end_matches('/'))))
}

fn is_special(character: char) -> bool {
    matches!(character, '*' | '?' | '[' | ']' | '{' | '}' | '\\')
}

fn is_separator(character: char, style: PathStyle) -> bool {
    character == '/' || (character == '\\' && style == PathStyle::Windows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A system where `/bin` is a link to `/usr/bin`, `/bin/sh` one to `dash`, `/opt/now` one to `/opt/[v2]`.
    fn resolve(path: &str) -> Option<String> {
        let resolved = match path {
            "/bin" => "/usr/bin",
            "/bin/sh" | "/usr/bin/sh" => "/usr/bin/dash",
            "/opt/now" => "/opt/[v2]",
            "/nowhere" => return None,
            same => same,
        };
        Some(resolved.to_owned())
    }

    fn permit(whitelist: &[&str], blacklist: &[&str], program: &str) -> Result<(), NotPermitted> {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let access = RemoteAccess {
            executable_whitelist: texts(whitelist),
            executable_blacklist: texts(blacklist),
            ..RemoteAccess::default()
        };
        ExecutableRules::new(&access, PathStyle::Unix, resolve).permit(Path::new(program))
    }

    #[test]
    fn what_the_whitelist_permits() {
        let table: &[(&[&str], &str, bool)] = &[
            (&[], "/usr/bin/true", false),
            (&[""], "/usr/bin/true", false),
            (&["/usr/bin/true"], "/usr/bin/true", true),
            (&["/bin/true"], "/usr/bin/true", true),
            (&["/bin/*"], "/usr/bin/true", true),
            (&["/usr/*"], "/usr/bin/true", false),
            (&["/usr/**"], "/usr/bin/true", true),
            (&["/**/true"], "/usr/bin/true", true),
            (&["/usr/bin/tru?"], "/usr/bin/true", true),
            (&["/usr?bin/true"], "/usr/bin/true", false),
            (&["/usr/bin/[st]rue"], "/usr/bin/true", true),
            (&["/usr/bin/[!t]rue"], "/usr/bin/true", false),
            (&["/bin/{true,false}"], "/usr/bin/false", true),
            (&["/usr/bin/TRUE"], "/usr/bin/true", false),
            (&["/usr/bin/true"], "/usr/bin/true2", false),
            (&["true", "*", "bin/true"], "/usr/bin/true", false),
            (&["/opt/now/*"], "/opt/[v2]/app", true),
            (&["/opt/now/*"], "/opt/v/app", false),
            (&["/nowhere/*"], "/nowhere/app", true),
            // A link is not its target: where many commands are links to one program, that one is not permitted.
            (&["/bin/sh"], "/usr/bin/dash", false),
            (&["/x[", "/usr/bin/true"], "/usr/bin/true", true),
        ];
        for (whitelist, program, expected) in table {
            assert_eq!(permit(whitelist, &[], program).is_ok(), *expected, "{whitelist:?} {program}");
        }
    }

    #[test]
    fn the_blacklist_wins() {
        let table: &[(&[&str], &str, bool)] = &[
            (&["/usr/bin/dash"], "/usr/bin/dash", false),
            (&["/bin/sh"], "/usr/bin/dash", false),
            (&["/bin/da*"], "/usr/bin/dash", false),
            (&["dash"], "/usr/bin/dash", false),
            (&["*sh"], "/usr/bin/dash", false),
            (&["sh"], "/usr/bin/dash", true),
            (&["/opt/**"], "/usr/bin/dash", true),
            (&["/x["], "/usr/bin/dash", false),
            (&[""], "/usr/bin/dash", true),
        ];
        for (blacklist, program, expected) in table {
            assert_eq!(permit(&["/**"], blacklist, program).is_ok(), *expected, "{blacklist:?} {program}");
        }
    }

    #[test]
    fn on_windows_case_does_not_count() {
        let access =
            RemoteAccess { executable_whitelist: vec![r"C:\Tools\*.exe".into()], ..RemoteAccess::default() };
        let glob = glob(&access.executable_whitelist[0], PathStyle::Windows).unwrap();
        // Here `\` separates nothing, so only the case can be seen.
        assert!(glob.is_match(r"c:\tools\a.EXE"));
    }

    #[test]
    fn a_refusal_says_what_would_permit_it() {
        let why =
            |white: &[&str], black: &[&str]| permit(white, black, "/usr/bin/dash").unwrap_err().to_string();
        assert!(why(&[], &[]).starts_with("remoteAccess.executableWhitelist is empty"));
        assert!(
            why(&["/opt/*"], &[])
                .contains("no pattern of remoteAccess.executableWhitelist matches \"/usr/bin/dash\"")
        );
        assert!(why(&["/**"], &["sh", "dash"]).contains("\"dash\" of remoteAccess.executableBlacklist"));
    }

    proptest! {
        #[test]
        fn no_pattern_panics_and_a_blacklist_never_permits(pattern in any::<String>(), odd in "[/a-c*?\\[\\]{},\\\\!-]{0,12}") {
            for pattern in [pattern.as_str(), odd.as_str()] {
                let alone = permit(&[pattern], &[], "/a/b/c").is_ok();
                prop_assert!(!alone || permit(&[pattern], &[pattern], "/a/b/c").is_err(), "{}", pattern);
                prop_assert!(permit(&[], &[pattern], "/a/b/c").is_err());
            }
        }
    }
}
