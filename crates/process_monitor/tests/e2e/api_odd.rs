//! Requests that are HTTP and yet odd.

use crate::harness::World;
use crate::http::Connection;
use serde_json::json;
use std::io::Read;

fn exchange(world: &World, request: &str) -> String {
    let mut connection = Connection::to(world);
    connection.send(request.as_bytes());
    let mut text = Vec::new();
    connection.0.read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn head_is_get_without_a_body_and_options_names_the_methods() {
    let world = World::started();
    let head = exchange(&world, "HEAD /processes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
    let head = exchange(&world, "HEAD /processes/none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 404") && head.ends_with("\r\n\r\n"), "{head}");
    for (path, methods) in [("/processes", "GET,HEAD,POST"), ("/processes/a", "DELETE,GET,HEAD,PATCH")] {
        let answer = Connection::to(&world).ask("OPTIONS", path, None);
        let mut allowed: Vec<_> = answer.header("allow").unwrap().split(',').collect();
        allowed.sort_unstable();
        assert_eq!((answer.status, allowed.join(",").as_str()), (204, methods));
    }
    assert_eq!(Connection::to(&world).ask("OPTIONS", "/nothing", None).status, 404);
}

#[test]
fn http_1_0_is_answered() {
    let world = World::started();
    let answer = exchange(&world, "GET /monitor/status HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.0 200") && answer.contains("\"instanceId\""), "{answer}");
}

#[test]
fn ids_of_a_path_are_decoded_and_nothing_climbs_out_of_them() {
    let world = World::started();
    let mut api = Connection::to(&world);
    let entry = json!({"id": "web-1.x", "name": "W", "command": "sleep"});
    assert_eq!(api.ask("POST", "/processes", Some(&entry)).status, 200);
    let table = [
        ("/processes/web%2D1%2ex", 200),
        ("/processes/we%62-1.x", 200),
        ("/processes/web-1.X", 404),
        ("/processes/..", 400),
        ("/processes/%2e%2e", 400),
        ("/processes/..%2f..%2fetc%2fpasswd", 400),
        ("/processes/%2fetc%2fpasswd", 400),
        ("/processes/a%00", 400),
        ("/processes/%ff", 400),
        ("/processes/%", 400),
        ("/processes/%zz", 400),
        ("/processes/a%20b", 400),
        ("/processes/", 404),
        ("//processes", 404),
        ("/processes/web-1.x/", 404),
        ("/processes/../monitor/status", 404),
        ("/PROCESSES", 404),
        ("/processes?x=%ff&&&=%00", 200),
    ];
    for (path, expected) in table {
        let answer = api.ask("GET", path, None);
        assert_eq!(answer.status, expected, "{path}: {}", answer.body);
        assert!(expected == 200 || answer.body["error"].is_string(), "{path}: {}", answer.body);
    }
    let long = format!("/processes/{}", "a".repeat(10_000));
    assert_eq!(api.ask("GET", &long, None).status, 400);
    let absurd = format!("/processes/web-1.x/start?{}", "a=b&".repeat(3_000));
    let answer = api.ask("POST", &absurd, None);
    assert_eq!((answer.status, answer.body["field"].as_str()), (400, Some("a")));
}
