//! Reports in the form that build servers read: `JUnit` XML.

use super::report::{CaseReport, FileReport};
use crate::base::render::{FileFindings, human};
use std::fmt::Write;

/// All reports as one document.
pub fn render(reports: &[FileReport]) -> String {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for report in reports {
        suite(&mut xml, report);
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(xml: &mut String, report: &FileReport) {
    let own = !report.is_fit();
    let failures = report.cases.iter().filter(|case| !case.is_good()).count();
    let took: std::time::Duration = report.cases.iter().map(|case| case.took).sum();
    let seconds = took.as_secs_f64();
    let tests = report.cases.len() + usize::from(own);
    let name = attribute(&report.name);
    let errors = usize::from(own);
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{seconds:.3}\">"
    );
    if own {
        let _ = writeln!(
            xml,
            "    <testcase classname=\"{name}\" name=\"the file\" time=\"0.000\">"
        );
        let drawn = text(&human::render(&report.all_findings(), false));
        let _ = writeln!(xml, "      <error message=\"it cannot be played\">{drawn}</error>");
        xml.push_str("    </testcase>\n");
    }
    for one in &report.cases {
        case(xml, report, one);
    }
    xml.push_str("  </testsuite>\n");
}

fn case(xml: &mut String, report: &FileReport, case: &CaseReport) {
    let (class, name) = (attribute(&report.name), attribute(&case.name));
    let seconds = case.took.as_secs_f64();
    let head = format!("    <testcase classname=\"{class}\" name=\"{name}\" time=\"{seconds:.3}\"");
    if case.is_good() {
        let _ = writeln!(xml, "{head}/>");
        return;
    }
    let _ = writeln!(xml, "{head}>");
    let first = case.findings.first().map_or("", |finding| finding.message.as_str());
    let findings = FileFindings {
        name: report.name.clone(),
        text: report.text.clone(),
        findings: case.findings.clone(),
    };
    let drawn = text(&human::render(&[findings], false));
    let _ = writeln!(xml, "      <failure message=\"{}\">{drawn}</failure>", attribute(first));
    xml.push_str("    </testcase>\n");
}

/// A text between tags. Characters that XML has no place for become a question mark.
fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\t' | '\n' | '\r' => escaped.push(letter),
            '\u{fffe}' | '\u{ffff}' => escaped.push('?'),
            letter if letter < ' ' => escaped.push('?'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A text between quotes.
fn attribute(value: &str) -> String {
    text(value)
        .replace('"', "&quot;")
        .replace('\n', "&#10;")
        .replace('\t', "&#9;")
        .replace('\r', "&#13;")
}
