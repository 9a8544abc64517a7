use super::*;
use std::fs;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Certificate and key of somebody, in two files.
fn pair(folder: &std::path::Path, name: &str) -> Source {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let (certificate, key) = (folder.join(format!("{name}.crt")), folder.join(format!("{name}.key")));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    Source::Files { certificate, key }
}

#[test]
fn our_own_is_made_once_and_is_ours_alone() {
    let folder = folder();
    let source = Source::Own(folder.path().join("tls.pem"));
    let first = ServerTls::load(&source).unwrap();
    assert!(first.fingerprint().starts_with("sha256:"), "{first:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder.path().join("tls.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(ServerTls::load(&source).unwrap().fingerprint(), first.fingerprint());
    fs::write(folder.path().join("tls.pem"), "broken").unwrap();
    let why = ServerTls::load(&source).unwrap_err().to_string();
    assert!(why.contains("tls.pem") && why.contains("no certificate"), "{why}");
    assert_eq!(fs::read(folder.path().join("tls.pem")).unwrap(), b"broken", "it is never replaced");
}

#[test]
fn files_that_change_are_taken_up_and_broken_ones_are_not() {
    let folder = folder();
    let (one, other) = (pair(folder.path(), "one"), pair(folder.path(), "other"));
    let other = ServerTls::load(&other).unwrap().fingerprint();
    let tls = ServerTls::load(&one).unwrap();
    let before = tls.fingerprint();
    assert!(!tls.refresh().unwrap(), "nothing changed");
    let replace = |name: &str, with: &str| {
        let [name, with] = [name, with].map(|name| folder.path().join(name));
        fs::copy(with, folder.path().join("new")).unwrap();
        fs::rename(folder.path().join("new"), name).unwrap();
    };
    replace("one.crt", "other.crt");
    assert!(matches!(tls.refresh(), Err(TlsError::NoPair { .. })), "the key is still the old one");
    assert!(!tls.refresh().unwrap(), "told once");
    assert_eq!(tls.fingerprint(), before);
    fs::remove_file(folder.path().join("one.key")).unwrap();
    // As a link where everybody may make one.
    #[cfg(unix)]
    std::os::unix::fs::symlink("other.key", folder.path().join("one.key")).unwrap();
    #[cfg(windows)]
    replace("one.key", "other.key");
    assert!(tls.refresh().unwrap());
    assert_eq!(tls.fingerprint(), other);
}

#[test]
fn what_is_wrong_is_told_with_the_file_and_nothing_of_the_key() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let _made = pair(folder.path(), "good");
    fs::write(path("empty"), "").unwrap();
    fs::write(path("cut"), "-----BEGIN PRIVATE KEY-----\nc2VjcmV0").unwrap();
    let table = [
        ("missing", "good.key", "missing"),
        ("empty", "good.key", "no certificate"),
        ("good.key", "good.key", "no certificate"),
        ("good.crt", "empty", "no private key"),
        ("good.crt", "cut", "no private key"),
        ("good.crt", "good.crt", "no private key"),
    ];
    for (certificate, key, expected) in table {
        let source = Source::Files { certificate: path(certificate), key: path(key) };
        let why = ServerTls::load(&source).unwrap_err().to_string();
        assert!(why.contains(expected) && !why.contains("c2VjcmV0"), "{certificate} {key}: {why}");
    }
}
