use super::*;
use crate::plan::testing::compiled;

/// The rights of a flow with these steps and what stands before them, in words.
fn rights(before: &str, steps: &str) -> Vec<String> {
    let text = format!("flow: test\nversion: 1.0.0\ncalendar: corporate\n{before}\nsteps:\n{steps}");
    let (_, plan, findings) = compiled(&text);
    assert_eq!(findings, [], "{text}");
    rights_of(&plan).0.iter().map(ToString::to_string).collect()
}

fn of_step(step: &str) -> Vec<String> {
    rights("", &format!("  - {{ id: x, {step} }}\n"))
}

#[test]
fn a_host_that_the_text_names_is_one_host() {
    for (url, host) in [
        ("https://erp.example/orders", "erp.example"),
        ("https://ERP.example:443", "erp.example"),
        ("http://erp.example:8080/x", "erp.example:8080"),
        ("https://erp.example/${{ inputs.id }}", "erp.example"),
        ("https://erp.example?q=${{ inputs.id }}", "erp.example"),
    ] {
        let found = of_step(&format!("uses: http.request, with: {{ url: \"{url}\" }}"));
        assert_eq!(found, [format!("call the host: {host}")], "{url}");
    }
}

#[test]
fn a_host_that_data_decides_is_any_host() {
    for url in [
        "${{ inputs.url }}",
        "https://${{ inputs.host }}/x",
        "https://erp.example${{ inputs.more }}",
        "https://erp.example:${{ inputs.port }}/",
        "https://me@erp.example/",
        "https://erp.example\\\\@evil.example/",
        "ftp://erp.example/",
        "${{ secrets.HOOK_URL }}",
    ] {
        let found = of_step(&format!("uses: http.request, with: {{ url: \"{url}\" }}"));
        assert!(
            found.contains(&"call the host: any value given at run time".to_owned()),
            "{url}: {found:?}"
        );
    }
}

#[test]
fn a_secret_is_named_with_the_host_that_gets_it() {
    let found = of_step(
        "uses: http.request, with: { url: \"https://erp.example/\", headers: { A: \"Bearer ${{ secrets.ERP }}\" } }",
    );
    assert_eq!(found[0], "send the secret ERP to the host: erp.example");
    let found =
        of_step("uses: http.request, with: { url: \"${{ inputs.url }}\", json: { a: [\"${{ secrets.ERP }}\"] } }");
    assert_eq!(found[0], "send the secret ERP to the host: any value given at run time");
    let found = of_step("uses: file360.create_share, with: { name: X, password: \"${{ secrets.PW }}\" }");
    assert_eq!(found, ["use the secret PW for a link's password or a webhook"]);
    let found = rights("on: { webhook: { secret: HOOK } }", "  - { id: x, uses: data.make }\n");
    assert_eq!(found, ["use the secret HOOK for a link's password or a webhook"]);
}

#[test]
fn people_of_the_directory_need_no_right() {
    for to in [
        "role:legal",
        "user:anna",
        "group:board",
        "manager_of:anna",
        "user:${{ inputs.who }}",
        "${{ run.initiator }}",
    ] {
        assert_eq!(
            of_step(&format!("uses: mail.send, with: {{ to: \"{to}\" }}")),
            [""; 0],
            "{to}"
        );
        assert_eq!(of_step(&format!("task: {{ to: [\"{to}\"] }}")), [""; 0], "{to}");
    }
    let person = "inputs: { who: { type: person } }";
    let mail = "  - { id: x, uses: mail.send, with: { to: \"${{ inputs.who }}\" } }\n";
    assert_eq!(rights(person, mail), [""; 0]);
    assert_eq!(rights("inputs: { who: { type: email } }", mail).len(), 1);
}

#[test]
fn somebody_outside_is_named_wherever_something_is_sent() {
    let any = "send to a recipient outside the directory: any value given at run time";
    let one = "send to a recipient outside the directory: rosa@x.example";
    for (to, told) in [
        ("${{ inputs.who }}", any),
        ("Rosa@x.example", one),
        ("email:rosa@x.example", one),
    ] {
        for step in [
            format!("uses: mail.send, with: {{ to: \"{to}\" }}"),
            format!("uses: mail.send, with: {{ to: [role:legal, \"{to}\"] }}"),
            format!("uses: file360.create_share, with: {{ name: X, to: \"{to}\" }}"),
            format!("uses: file360.set_permissions, with: {{ to: \"{to}\" }}"),
            format!("uses: file360.request_files, with: {{ to: \"{to}\" }}"),
            format!("collect: {{ from: \"{to}\", items: {{ a: {{ title: A }} }} }}"),
            format!("approve: {{ document: x, by: [\"{to}\"] }}"),
            format!("task: {{ to: [\"{to}\"] }}"),
            format!("task: {{ to: [role:legal], visible: {{ taken: [\"{to}\"] }} }}"),
            format!(
                "task: {{ to: [role:legal] }}, deadline: {{ due: 3 days, escalate: {{ after: 1 day, to: [\"{to}\"] }} }}"
            ),
        ] {
            assert_eq!(of_step(&step), [told], "{step}");
        }
    }
    let anyone = of_step("uses: file360.set_permissions, with: { to: anyone }");
    assert_eq!(anyone, ["share with anyone who has the link"]);
}

#[test]
fn folders_are_named_as_far_as_the_text_does() {
    for (folder, told) in [
        ("/contracts", "/contracts"),
        ("/contracts//final/", "/contracts/final"),
        ("/contracts/${{ inputs.year }}", "/contracts"),
        ("/contracts/a-${{ inputs.year }}", "/contracts"),
        ("/${{ inputs.year }}", "any value given at run time"),
        ("${{ inputs.folder }}", "any value given at run time"),
    ] {
        for (step, verb) in [
            (
                format!("uses: file360.put_file, with: {{ folder: \"{folder}\" }}"),
                "put files into the folder",
            ),
            (
                format!("uses: file360.publish, with: {{ to: \"{folder}\" }}"),
                "put files into the folder",
            ),
            (
                format!("uses: file360.create_share, with: {{ folder: \"{folder}\" }}"),
                "put files into the folder",
            ),
            (
                format!("uses: file360.request_files, with: {{ into: \"{folder}\" }}"),
                "put files into the folder",
            ),
            (
                format!("uses: file360.list_files, with: {{ folder: \"{folder}\" }}"),
                "use files of the folder",
            ),
        ] {
            assert_eq!(of_step(&step), [format!("{verb}: {told}")], "{step}");
        }
    }
}

#[test]
fn a_workspace_or_share_of_the_run_itself_needs_no_right() {
    let made = "  - { id: room, uses: file360.create_share, with: { name: X } }\n";
    let own = format!(
        "{made}  - {{ id: x, uses: file360.set_permissions, with: {{ share: \"${{{{ steps.room.share }}}}\", to: role:a }} }}\n"
    );
    assert_eq!(rights("", &own), [""; 0]);
    for share in ["shr_1", "${{ inputs.share }}", "shr_${{ steps.room.share }}"] {
        for action in [
            "set_permissions",
            "update_share",
            "revoke_share",
            "add_comment",
            "list_files",
        ] {
            let found = of_step(&format!("uses: file360.{action}, with: {{ share: \"{share}\" }}"));
            assert_eq!(
                found,
                ["change shares and workspaces that other runs made"],
                "{action} {share}"
            );
        }
    }
}

#[test]
fn other_flows_and_events_are_named() {
    let found = of_step("run: { flow: payroll, with: {} }");
    assert_eq!(found, ["start runs of the flow: payroll"]);
    let found = of_step("uses: workflow.emit, with: { type: a.b }");
    assert_eq!(found, ["publish an event, which may start other flows: a.b"]);
    let found = rights("on: { flow: { name: payroll } }", "  - { id: x, uses: data.make }\n");
    assert_eq!(found, ["receive the outputs of runs of the flow: payroll"]);
}

#[test]
fn files_that_nobody_gives_in_person_count_as_read() {
    let inputs = "inputs: { doc: { type: file } }";
    let step = "  - { id: x, uses: data.make }\n";
    let any = ["use files of the folder: any value given at run time"];
    for trigger in [
        "schedule: { cron: \"0 8 * * *\", zone: UTC }",
        "event: { type: file360.file_uploaded }",
        "event: { type: crm.signed, where: event.folder == '/a' or event.x }",
        "document: { expires_within: 30 days }",
    ] {
        assert_eq!(
            rights(&format!("on: {{ {trigger} }}\n{inputs}"), step),
            any,
            "{trigger}"
        );
        assert_eq!(
            rights(&format!("on: {{ {trigger} }}"), step),
            [""; 0],
            "{trigger} without a file"
        );
    }
    for trigger in [
        "event: { type: file360.file_uploaded, where: event.folder == '/a' and event.x }",
        "document: { in: /a }",
    ] {
        let found = rights(&format!("on: {{ {trigger} }}\n{inputs}"), step);
        assert_eq!(found, ["use files of the folder: /a"], "{trigger}");
    }
    assert_eq!(rights(&format!("on: {{ manual: {{}} }}\n{inputs}"), step), [""; 0]);
}

#[test]
fn an_event_of_the_file_space_counts_as_read_unless_it_is_about_a_share_of_the_run() {
    let made = "  - { id: room, uses: file360.create_share, with: { name: X } }\n";
    let wait = |what: &str| format!("{made}  - {{ id: x, wait: {{ event: file360.file_uploaded, {what} }} }}\n");
    assert_eq!(rights("", &wait("on: \"${{ steps.room.share }}\"")), [""; 0]);
    let any = ["use files of the folder: any value given at run time"];
    assert_eq!(rights("", &wait("on: shr_1")), any);
    assert_eq!(rights("", &wait("on: \"${{ inputs.share }}\"")), any);
    let found = rights("", &wait("on: shr_1, where: event.folder == '/a'"));
    assert_eq!(found, ["use files of the folder: /a"]);
}

#[test]
fn steps_inside_elements_and_at_the_end_are_counted() {
    let each = "  - { id: all, each: { in: \"${{ inputs.l }}\", steps: [{ id: x, uses: mail.send, with: { to: a@x.example } }] } }\nalways:\n  - { id: y, uses: mail.send, with: { to: b@x.example } }\n";
    let found = rights("", each);
    assert_eq!(found.len(), 2, "{found:?}");
}
