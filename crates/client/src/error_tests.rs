use super::*;

fn id(text: &str) -> ProcessId {
    ProcessId::new(text).unwrap()
}

#[test]
fn a_monitors_error_becomes_a_typed_one() {
    let body = ErrorBody::new(ErrorCode::StartFailed, "/opt/x: permission denied");
    let error = Error::from_body(body, Some(&id("web")));
    assert_eq!(error.to_string(), "process web did not start: /opt/x: permission denied");
    assert_eq!(error.code(), "start_failed");

    let body = ErrorBody::new(ErrorCode::ProcessDisabled, "no").about(id("web"));
    assert!(Error::from_body(body, None).advice("pm").ends_with("pm enable web"));

    let body = ErrorBody::new(ErrorCode::ProcessDisabled, "which one?");
    assert!(matches!(Error::from_body(body, None), Error::Refused { .. }), "no id, no typed case");
}

#[test]
fn every_problem_has_its_line() {
    let problem = |path: &str| Problem { path: path.into(), message: "is wrong".into() };
    let error = Error::Invalid { problems: vec![problem("args[0]"), problem("")] };
    assert_eq!(error.to_string(), "args[0]: is wrong\nis wrong");
}

#[test]
fn of_a_discarded_output_it_is_told_how_to_have_it_captured() {
    let body = ErrorBody::new(ErrorCode::OutputDiscarded, "no").about(id("web"));
    let error = Error::from_body(body, None);
    assert_eq!(error.code(), "output_discarded");
    assert!(error.to_string().starts_with("the output of web is discarded"), "{error}");
    assert!(error.advice("pm").ends_with("pm update web --output capture"), "{}", error.advice("pm"));
}
