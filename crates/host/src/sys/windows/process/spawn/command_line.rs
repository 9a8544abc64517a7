//! Arguments as the one text that Windows gives a program, by the rules of [`process_monitor_core::quoting`].

use process_monitor_core::quoting::push_quoted;

/// The most characters of a command line without the zero at its end (`CreateProcessW`).
pub const LONGEST: usize = 32_766;

const QUOTE: u16 = b'"' as u16;

/// The command line of a program that is told `command` as its name. That has no rule for quotes in it, and must have none.
pub fn command_line(command: &[u16], args: &[Vec<u16>]) -> Vec<u16> {
    let mut line =
        Vec::with_capacity(command.len() + 2 + args.iter().map(|arg| arg.len() + 3).sum::<usize>());
    line.push(QUOTE);
    line.extend_from_slice(command);
    line.push(QUOTE);
    for arg in args {
        line.push(b' '.into());
        push_quoted(&mut line, arg.iter().copied());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use windows_sys::Win32::Foundation::LocalFree;
    use windows_sys::Win32::UI::Shell::CommandLineToArgvW;

    const BACKSLASH: u16 = b'\\' as u16;

    fn wide(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    /// What a program makes of it, by the system's own function.
    fn by_the_system(line: &[u16]) -> Vec<Vec<u16>> {
        let line: Vec<u16> = line.iter().copied().chain([0]).collect();
        let mut count = 0;
        // SAFETY: the text ends with a zero; the answer is that many texts, which end with zeros.
        unsafe {
            let texts = CommandLineToArgvW(line.as_ptr(), &raw mut count);
            assert!(!texts.is_null());
            let text = |at: usize| {
                let text = *texts.add(at);
                let length = (0..).take_while(|&at| *text.add(at) != 0).count();
                std::slice::from_raw_parts(text, length).to_vec()
            };
            let found = (0..usize::try_from(count).unwrap()).map(text).collect();
            LocalFree(texts.cast());
            found
        }
    }

    /// What the C library makes of it since 2008, by its own description: two quotes within quotes are one, which then stays open.
    fn by_the_library(line: &[u16]) -> Vec<Vec<u16>> {
        let mut args = Vec::new();
        let mut rest = line;
        let name = rest.iter().skip(1).position(|&unit| unit == QUOTE).unwrap();
        args.push(rest[1..=name].to_vec());
        rest = &rest[name + 2..];
        loop {
            rest = &rest[rest
                .iter()
                .take_while(|&&unit| unit == u16::from(b' ') || unit == u16::from(b'\t'))
                .count()..];
            if rest.is_empty() {
                return args;
            }
            let (mut arg, mut quoted) = (Vec::new(), false);
            while let Some((&unit, after)) = rest.split_first() {
                if !quoted && (unit == u16::from(b' ') || unit == u16::from(b'\t')) {
                    break;
                }
                if unit == BACKSLASH {
                    let count = rest.iter().take_while(|&&unit| unit == BACKSLASH).count();
                    rest = &rest[count..];
                    let before_quote = rest.first() == Some(&QUOTE);
                    arg.extend(std::iter::repeat_n(BACKSLASH, if before_quote { count / 2 } else { count }));
                    if before_quote && count % 2 == 1 {
                        arg.push(QUOTE);
                        rest = &rest[1..];
                    }
                    continue;
                }
                rest = after;
                if unit != QUOTE {
                    arg.push(unit);
                } else if quoted && rest.first() == Some(&QUOTE) {
                    arg.push(QUOTE);
                    rest = &rest[1..];
                } else {
                    quoted = !quoted;
                }
            }
            args.push(arg);
        }
    }

    #[test]
    fn as_it_is_written() {
        let line = |args: &[&str]| {
            let args: Vec<Vec<u16>> = args.iter().map(|arg| wide(arg)).collect();
            String::from_utf16(&command_line(&wide("C:\\a b\\x.exe"), &args)).unwrap()
        };
        assert_eq!(line(&[]), r#""C:\a b\x.exe""#);
        assert_eq!(line(&["", "a b", "\\"]), r#""C:\a b\x.exe" "" "a b" "\\""#);
        assert_eq!(line(&[r#"a\b"c\"d\\"#]), r#""C:\a b\x.exe" "a\b\"c\\\"d\\\\""#);
    }

    /// Characters that mean something to somebody, and others.
    fn hostile() -> impl Strategy<Value = Vec<u16>> {
        let special =
            " \t\n\r\u{b}\"\\'^&|<>()%!;,=*?/-@$`~{}[]\u{e4}\u{1f600}".encode_utf16().collect::<Vec<_>>();
        let unit = prop_oneof![
            4 => Just(QUOTE),
            4 => Just(BACKSLASH),
            3 => Just(u16::from(b' ')),
            8 => proptest::sample::select(special),
            // Halves of a character are passed on, too.
            4 => 1..=u16::MAX,
        ];
        proptest::collection::vec(unit, 0..12)
    }

    proptest! {
        #[test]
        fn every_argument_arrives(args in proptest::collection::vec(hostile(), 0..6)) {
            let name = wide("C:\\Program Files\\x^&%.exe");
            let line = command_line(&name, &args);
            let sent: Vec<Vec<u16>> = std::iter::once(name).chain(args).collect();
            prop_assert_eq!(&by_the_system(&line), &sent);
            prop_assert_eq!(&by_the_library(&line), &sent);
        }
    }
}
