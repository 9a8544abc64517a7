//! What an answer to a health check means, and what can be asked.

use serde_json::Value;

/// How much of a body is shown in a reason.
const SHOWN: usize = 80;

/// Whether an HTTP answer means healthy; if not, why, in words. With `success_codes` the status alone decides;
/// without, it must be 200, and the body `OK`, or JSON whose `status` is "ok" in any case, or whose `healthy` is
/// true.
///
/// # Errors
/// The reason.
pub fn judge(status: u16, body: &[u8], success_codes: Option<&[u16]>) -> Result<(), String> {
    if let Some(codes) = success_codes {
        return judge_status(status, codes);
    }
    judge_status(status, &[200])?;
    let text = String::from_utf8_lossy(body);
    if text.trim() == "OK" || serde_json::from_slice(body).is_ok_and(|json| says_healthy(&json)) {
        return Ok(());
    }
    Err(format!(
        "body {} (expected OK, or JSON with \"status\":\"ok\" or \"healthy\":true; or give successCodes)",
        shown(&text)
    ))
}

fn judge_status(status: u16, codes: &[u16]) -> Result<(), String> {
    if codes.contains(&status) { Ok(()) } else { Err(format!("status {status}")) }
}

fn says_healthy(json: &Value) -> bool {
    let status = json.get("status").and_then(Value::as_str);
    status.is_some_and(|status| status.eq_ignore_ascii_case("ok"))
        || json.get("healthy").and_then(Value::as_bool) == Some(true)
}

/// The `pid` that a `statusUrl` tells.
///
/// # Errors
/// What is wrong, in words.
pub fn pid_of(body: &[u8]) -> Result<u32, String> {
    let json: Value = serde_json::from_slice(body)
        .map_err(|_| format!("expected JSON with a pid, found {}", shown(&String::from_utf8_lossy(body))))?;
    let pid = json.get("pid").ok_or("the JSON has no \"pid\"")?;
    let number = pid.as_u64().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0);
    number.ok_or_else(|| format!("\"pid\" is {}, which is no process id", shown(&pid.to_string())))
}

/// The beginning of a text from outside, in quotes, fit for a terminal.
pub fn shown(text: &str) -> String {
    let text = text.trim();
    let cut: String = text.chars().take(SHOWN).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("\"{}{more}\"", cut.escape_debug())
}

/// Whether `url` can be asked: `http` or `https`, with a host, without spaces.
///
/// # Errors
/// What is wrong, in words.
pub fn check_url(url: &str) -> Result<(), String> {
    let wrong =
        |why: &str| Err(format!("expected a URL like http://127.0.0.1:8080/health, found {url:?}: {why}"));
    let Some((scheme, rest)) = url.split_once("://") else { return wrong("it has no scheme") };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return wrong("only http and https are asked");
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return wrong("it has spaces or control characters");
    }
    match split_port(host_and_port(rest)) {
        Some(("", _)) | None => wrong("it has no host, or a bad one"),
        Some((_, None)) => Ok(()),
        Some((_, Some(port))) => match port.parse::<u16>() {
            Ok(1..) => Ok(()),
            _ => wrong("its port is none"),
        },
    }
}

/// What stands between the scheme's `://` and the path, without user and password.
fn host_and_port(after_scheme: &str) -> &str {
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// The host that `url` names, without brackets.
pub(crate) fn host_of_url(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    host_of_address(host_and_port(rest))
}

/// The host of `host:port`, without brackets.
pub(crate) fn host_of_address(address: &str) -> Option<&str> {
    split_port(address).map(|(host, _)| host)
}

/// Whether `address` is `host:port`, the host a name, an IPv4 address or an IPv6 one in brackets.
///
/// # Errors
/// What is wrong, in words.
pub fn check_tcp(address: &str) -> Result<(), String> {
    let fine = !address.chars().any(char::is_whitespace)
        && split_port(address).is_some_and(|(host, port)| {
            !host.is_empty() && port.is_some_and(|port| matches!(port.parse::<u16>(), Ok(1..)))
        });
    if fine {
        Ok(())
    } else {
        Err(format!("expected host:port like 127.0.0.1:6379 or [::1]:6379, found {address:?}"))
    }
}

/// Host and port; `None` when brackets do not match, or there are too many colons.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => None,
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_answers_mean_healthy() {
        type Row = (u16, &'static str, Option<&'static [u16]>, Result<(), &'static str>);
        let table: [Row; 16] = [
            (200, "OK", None, Ok(())),
            (200, "  OK\r\n", None, Ok(())),
            (200, r#"{"status":"ok"}"#, None, Ok(())),
            (200, r#"{"status":"OK","more":1}"#, None, Ok(())),
            (200, r#"{"healthy":true}"#, None, Ok(())),
            (200, r#"{"status":"starting","healthy":true}"#, None, Ok(())),
            (200, "ok", None, Err("body \"ok\"")),
            (200, "", None, Err("body \"\"")),
            (200, r#"{"healthy":"true"}"#, None, Err("body")),
            (200, r#"{"status":1}"#, None, Err("body")),
            (200, "[\"ok\"]", None, Err("body")),
            (503, "OK", None, Err("status 503")),
            (204, "", None, Err("status 204")),
            (204, "", Some(&[200, 204]), Ok(())),
            (200, "<html>", Some(&[200]), Ok(())),
            (200, "OK", Some(&[]), Err("status 200")),
        ];
        for (status, body, codes, expected) in table {
            match (judge(status, body.as_bytes(), codes), expected) {
                (Ok(()), Ok(())) => {}
                (Err(why), Err(part)) if why.starts_with(part) => {}
                (found, _) => panic!("{status} {body:?} {codes:?}: {found:?}"),
            }
        }
        let why = judge(200, "\x1b[31m<html>\n".repeat(100).as_bytes(), None).unwrap_err();
        assert!(why.len() < 600 && !why.contains('\x1b') && why.contains('…'), "{why}");
    }

    #[test]
    fn pids_are_numbers() {
        assert_eq!(pid_of(br#"{"pid": 42, "x": 1}"#), Ok(42));
        for bad in [
            &b"42"[..],
            b"",
            b"{}",
            br#"{"pid":"42"}"#,
            br#"{"pid":0}"#,
            br#"{"pid":-1}"#,
            br#"{"pid":4294967296}"#,
        ] {
            assert!(pid_of(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_can_be_asked() {
        for good in [
            "http://127.0.0.1/",
            "http://localhost:8080",
            "HTTPS://user:p%40ss@host.example:443/a?b=c#d",
            "http://[::1]:80/",
            "http://[::1]",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "localhost:80",
            "ftp://x/",
            "http://",
            "http:///x",
            "http://h:0/",
            "http://h:70000/",
            "http://h:x/",
            "http://[::1/",
            "http://::1/",
            "http://a b/",
            "http://h\n/",
            "http://@/",
            "http://[::1]x/",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
        for good in ["127.0.0.1:6379", "localhost:1", "[::1]:80", "db.example:65535"] {
            assert_eq!(check_tcp(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "localhost",
            ":80",
            "localhost:",
            "localhost:0",
            "localhost:65536",
            "::1:80",
            "a b:80",
            "[]:80",
        ] {
            assert!(check_tcp(bad).is_err(), "{bad}");
        }
    }
}
