//! The property list of a launchd agent or daemon (launchd.plist(5)).

use super::{Scope, Unit, User};

/// Begins the first line of a property list that we wrote; the rest of it tells whether it was edited since.
pub const MARK: &str =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?> <!-- Written by `process_monitor service install`. ";
/// Ends that line.
pub const MARK_END: &str = " -->";

/// The label of the job of `instance`, with the extension of its file.
pub fn name(instance: &str) -> String {
    match instance {
        "default" => "tom.process_monitor.plist".to_owned(),
        other => format!("tom.process_monitor.{other}.plist"),
    }
}

/// The file without its first line.
pub fn body(unit: &Unit) -> String {
    let name = name(&unit.instance);
    let label = name.strip_suffix(".plist").unwrap_or(&name);
    let words: String = unit
        .words("--foreground", &unit.options)
        .map(|word| format!("\t\t<string>{}</string>\n", escaped(word)))
        .collect();
    let user = match (unit.scope, &unit.user) {
        (Scope::System, Some(User { name, .. })) => {
            format!("\t<key>UserName</key>\n\t<string>{}</string>\n", escaped(name))
        }
        _ => String::new(),
    };
    format!(
        "\
<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">
<plist version=\"1.0\">
<dict>
\t<key>Label</key>
\t<string>{label}</string>
\t<key>ProgramArguments</key>
\t<array>
{words}\t</array>
{user}\t<key>RunAtLoad</key>
\t<true/>
\t<!-- Started again unless its end was wanted. -->
\t<key>KeepAlive</key>
\t<dict>
\t\t<key>SuccessfulExit</key>
\t\t<false/>
\t</dict>
\t<!-- At once, if it ran that long (in seconds). So it comes again no more often while the partner has one running. -->
\t<key>ThrottleInterval</key>
\t<integer>10</integer>
\t<!-- What it manages outlives it when it is killed, and is taken over by the next. -->
\t<key>AbandonProcessGroup</key>
\t<true/>
\t<!-- A wanted stop takes as long as the slowest program, in seconds. -->
\t<key>ExitTimeOut</key>
\t<integer>120</integer>
\t<key>ProcessType</key>
\t<string>Interactive</string>
</dict>
</plist>
"
    )
}

/// Text of an XML element. What XML cannot hold at all (control characters) is in no path that a person has chosen.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
