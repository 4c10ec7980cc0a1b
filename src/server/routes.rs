//! The table of routes. The router, the guards and the description of the API are made from it
//! and from nothing else.

use super::Server;
use super::access::{Access, Guard, guard};
use super::api::{
    access_log, deployments, events, files, flows, grants, hooks, items, links, mails, meta, page, page_items, people,
    runs, settings, tasks, tokens,
};
use super::operation::{Endpoint, Shape};
use crate::config::Scope;
use crate::people::roles::{ADMIN, AUTHOR, OPERATOR};
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter};
use schemars::SchemaGenerator;
use std::sync::Arc;

/// One route.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with its variable parts in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Its name for generated clients.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Whether the request or the answer may take as long as it takes.
    pub streaming: bool,
    shape: fn(&mut SchemaGenerator) -> Shape,
    endpoint: MethodRouter<Arc<Server>>,
}

impl Route {
    /// What it takes and gives.
    pub fn shape(&self, schemas: &mut SchemaGenerator) -> Shape {
        (self.shape)(schemas)
    }

    /// The scope that a token needs, if the route requires a token.
    pub fn scope(&self) -> Scope {
        match self.name {
            _ if self.method.is_safe() => Scope::Read,
            "decide_task" | "skip_task" | "redo_task" => Scope::Decide,
            "deploy_flow" => Scope::Deploy,
            _ if self.access == ADMINS => Scope::Admin,
            _ => Scope::Write,
        }
    }

    /// Whether it makes, moves or undoes a decision, or lets a run or a deployment go on without one. See ADR 41.
    pub fn decides(&self) -> bool {
        matches!(
            self.name,
            "decide_task"
                | "delegate_task"
                | "reassign_task"
                | "skip_task"
                | "redo_task"
                | "skip_step"
                | "set_step"
                | "approve_deployment"
                | "reject_deployment"
        )
    }

    /// Its path and its handler behind its guard.
    pub fn guarded(self, server: &Arc<Server>) -> (&'static str, MethodRouter<Arc<Server>>) {
        let state = Guard {
            decides: self.decides(),
            server: Arc::clone(server),
            access: self.access,
            streaming: self.streaming,
            scope: self.scope(),
        };
        let layer = axum::middleware::from_fn_with_state(state, guard);
        (self.path, self.endpoint.route_layer(layer))
    }

    fn streaming(mut self) -> Self {
        self.streaming = true;
        self
    }
}

fn route<A, E: Endpoint<A> + 'static>(
    method: Method,
    path: &'static str,
    access: Access,
    name: &'static str,
    summary: &'static str,
    endpoint: E,
) -> Route {
    let filter = MethodFilter::try_from(method.clone()).expect("the table holds methods that can be routed");
    Route {
        method,
        path,
        access,
        name,
        summary,
        streaming: false,
        shape: E::shape,
        endpoint: endpoint.mount(filter),
    }
}

fn get<A, E: Endpoint<A> + 'static>(
    path: &'static str,
    access: Access,
    name: &'static str,
    summary: &'static str,
    endpoint: E,
) -> Route {
    route(Method::GET, path, access, name, summary, endpoint)
}

fn post<A, E: Endpoint<A> + 'static>(
    path: &'static str,
    access: Access,
    name: &'static str,
    summary: &'static str,
    endpoint: E,
) -> Route {
    route(Method::POST, path, access, name, summary, endpoint)
}

/// Every person of the directory.
const PERSON: Access = Access::Token(&[]);
/// Who watches runs and starts them.
const OPERATORS: Access = Access::Token(&[OPERATOR]);
/// Who writes flows.
const AUTHORS: Access = Access::Token(&[AUTHOR]);
/// Who reads flows.
const READERS: Access = Access::Token(&[AUTHOR, OPERATOR]);
/// Who mends what went wrong.
const ADMINS: Access = Access::Token(&[ADMIN]);

/// Every route there is.
#[rustfmt::skip] // One route, one line: a table is read by its columns.
pub fn routes() -> Vec<Route> {
    use Access::{Health, Metrics, Public, WebhookSignature};
    let mut routes = flow_and_run_routes();
    routes.extend(task_routes());
    routes.extend(file_and_link_routes());
    routes.extend(administration_routes());
    routes.extend([
        post("/api/v1/hooks/{flow}", WebhookSignature, "call_webhook", "Starts a run by a signed webhook call", hooks::call),
        post("/api/v1/events", OPERATORS, "publish_event", "Publishes an event from outside", events::publish),
        get("/api/v1/openapi.json", Public, "get_openapi", "This description", meta::openapi),
        get("/healthz", Health, "get_health", "Whether the process is alive", meta::health),
        get("/readyz", Health, "get_readiness", "Whether requests are answered and changes can be stored", meta::readiness),
        get("/metrics", Metrics, "get_metrics", "Counts, for Prometheus", meta::metrics),
    ]);
    routes
}

#[rustfmt::skip]
fn file_and_link_routes() -> Vec<Route> {
    use Access::{Link, LinkDoor, Page, PageDoor};
    vec![
        post("/api/v1/files", OPERATORS, "put_file", "Puts a file into a folder", files::put).streaming(),
        get("/api/v1/files", PERSON, "list_files", "Files that you put, decide on, or look after", files::list),
        get("/api/v1/files/damaged", ADMINS, "list_damaged_files", "Lists file versions whose bytes are damaged", files::damaged),
        get("/api/v1/files/{file}", PERSON, "get_file", "The bytes of a file that you put, decide on, or look after", files::get).streaming(),
        get("/api/v1/links/{token}", Link, "view_share", "A share with its files and comments", links::view),
        post("/api/v1/links/{token}/pass", Link, "get_pass", "Tries the password of a link, or the code, and gives what GETs take for it", links::pass),
        post("/api/v1/links/{token}/code", LinkDoor, "send_code", "Has a code sent by mail where the link asks for one; answers the same whatever happens", links::send_code),
        get("/api/v1/links/{token}/files/{file}", Link, "get_shared_file", "The bytes of a file of a share, to look at", links::read).streaming(),
        post("/api/v1/links/{token}/files/{file}/download", Link, "download_shared_file", "The bytes of a file of a share, recorded as downloaded", links::download).streaming(),
        post("/api/v1/links/{token}/files", Link, "put_shared_file", "Puts a file, or a new version of one, into a share", links::upload).streaming(),
        post("/api/v1/links/{token}/items/{item}", Link, "give_item", "Gives a file for an item of a request", items::give).streaming(),
        post("/api/v1/links/{token}/items/{item}/remove", Link, "take_back_item", "Takes back a file that was given for an item", items::take_back),
        post("/api/v1/links/{token}/items/{item}/not_applicable", Link, "decline_item", "Says why there is nothing to give for an item", items::not_applicable),
        post("/api/v1/links/{token}/withdraw", Link, "withdraw_request", "Says that nothing will be given", items::withdraw),
        post("/api/v1/links/{token}/open", Link, "open_share", "Says that a person, not a mail scanner, has opened the share", links::open),
        post("/api/v1/links/{token}/comments", Link, "add_comment", "Writes a comment in a share", links::comment),
        get("/s/{token}", Page, "open_link", "What the address in a mail leads to: a page for browsers, data for programs", page::open),
        post("/s/{token}/password", PageDoor, "give_password", "The page's form for the password of the link, or the code", page::password),
        post("/s/{token}/code", PageDoor, "send_code_on_page", "The page's button for a code by mail", page::send_code),
        post("/s/{token}/files", Page, "upload_on_page", "The page's form for a file", page::upload).streaming(),
        post("/s/{token}/files/{file}", Page, "download_on_page", "The page's button for a file", page::download).streaming(),
        post("/s/{token}/items/{item}", Page, "give_item_on_page", "The page's form for a file of an item", page_items::give).streaming(),
        post("/s/{token}/items/{item}/remove", Page, "take_back_item_on_page", "The page's button for taking a file back", page_items::take_back),
        post("/s/{token}/items/{item}/not_applicable", Page, "decline_item_on_page", "The page's form for an item that does not apply", page_items::not_applicable),
        post("/s/{token}/withdraw", Page, "withdraw_on_page", "The page's form for giving nothing", page_items::withdraw),
        post("/s/{token}/comments", Page, "comment_on_page", "The page's form for a comment", page::comment),
    ]
}

#[rustfmt::skip]
fn administration_routes() -> Vec<Route> {
    vec![
        get("/api/v1/access", ADMINS, "list_accesses", "The access log, oldest first: who did what with which file, and what was refused", access_log::list),
        get("/api/v1/tokens", ADMINS, "list_tokens", "Lists tokens by person, with their last use", tokens::list),
        get("/api/v1/grants", ADMINS, "list_grants", "Lists who has which link into a share, oldest first", grants::list),
        get("/api/v1/grants/{grant}", ADMINS, "get_grant", "Shows one grant", grants::get),
        post("/api/v1/grants/{grant}/revoke", ADMINS, "revoke_grant", "Revokes one grant: its link stops working", grants::revoke),
        get("/api/v1/mails", ADMINS, "list_mails", "Mails by state, oldest first", mails::list),
        post("/api/v1/mails/{mail}/retry", ADMINS, "retry_mail", "Queues a mail anew that failed or is in doubt", mails::retry),
        get("/api/v1/people", ADMINS, "list_people", "Lists everybody who has ever been in the directory, and a change that waits for confirmation", people::list),
        post("/api/v1/people/confirm", ADMINS, "confirm_people", "Confirms a change of the directory that removes many people", people::confirm),
        post("/api/v1/people/{user}/remove", ADMINS, "remove_person", "Makes the removal of a person final", people::remove),
        get("/api/v1/clock", ADMINS, "get_clock", "Shows the time that the server uses, and whether timers stand still", meta::time),
        post("/api/v1/clock/confirm", ADMINS, "confirm_clock", "Confirms that the system clock is right after it jumped ahead", meta::confirm_time),
    ]
}

#[rustfmt::skip]
fn flow_and_run_routes() -> Vec<Route> {
    vec![
        post("/api/v1/flows", AUTHORS, "deploy_flow", "Checks and deploys a flow, or makes it wait for a second person; refused with the same findings as lint", flows::deploy),
        get("/api/v1/deployments", READERS, "list_deployments", "Lists pending deployments, newest first", deployments::list),
        get("/api/v1/deployments/{deployment}", READERS, "get_deployment", "Shows a pending deployment, with its text and its changes", deployments::get),
        post("/api/v1/deployments/{deployment}/approve", ADMINS, "approve_deployment", "Accepts a deployment that somebody else made; new runs use it", deployments::approve),
        post("/api/v1/deployments/{deployment}/reject", ADMINS, "reject_deployment", "Rejects a deployment, with a reason", deployments::reject),
        get("/api/v1/flows", READERS, "list_flows", "The latest version of every flow", flows::list),
        get("/api/v1/flows/{flow}", READERS, "get_flow", "The latest version of a flow, with its text", flows::get),
        get("/api/v1/flows/{flow}/settings", READERS, "list_settings", "What the runs of a flow share", settings::list),
        post("/api/v1/flows/{flow}/settings", ADMINS, "set_settings", "Gives settings of a flow, for runs that start from now on", settings::set),
        post("/api/v1/flows/{flow}/runs", OPERATORS, "start_run", "Starts a run; Idempotency-Key makes it once", runs::start),
        get("/api/v1/runs", OPERATORS, "list_runs", "Runs, newest first", runs::list),
        get("/api/v1/runs/{run}", OPERATORS, "get_run", "One run with its steps", runs::get),
        get("/api/v1/runs/{run}/journal", OPERATORS, "get_journal", "What happened in a run, in order", runs::journal),
        get("/api/v1/runs/{run}/events", OPERATORS, "watch_run", "The same live, as server-sent events", runs::events).streaming(),
        post("/api/v1/runs/{run}/cancel", OPERATORS, "cancel_run", "Cancels a run", runs::cancel),
        post("/api/v1/runs/{run}/values", OPERATORS, "set_run_values", "Gives values of a run: what its flow says may change while it goes on", runs::set_values),
        post("/api/v1/runs/{run}/migrate", ADMINS, "migrate_run", "Lets a run go on by another version of its flow, or says every reason why it cannot", runs::migrate),
        post("/api/v1/runs/{run}/steps/{step}/retry", ADMINS, "retry_step", "Tries a failed step again", runs::retry),
        post("/api/v1/runs/{run}/steps/{step}/set", ADMINS, "set_step", "Says what a failed step came to, and what it gives", runs::set),
        post("/api/v1/runs/{run}/steps/{step}/skip", ADMINS, "skip_step", "Goes on past a failed step", runs::skip),
    ]
}

#[rustfmt::skip]
fn task_routes() -> Vec<Route> {
    vec![
        get("/api/v1/tasks", PERSON, "list_tasks", "Your open tasks, or those that you may see", tasks::list),
        get("/api/v1/tasks/{task}", PERSON, "get_task", "One of your tasks", tasks::get),
        get("/api/v1/tasks/{task}/document", PERSON, "get_task_document", "The bytes of the version to decide on", tasks::document).streaming(),
        post("/api/v1/tasks/{task}/decision", PERSON, "decide_task", "Decides a task on the version that was seen", tasks::decide),
        post("/api/v1/tasks/{task}/claim", PERSON, "claim_task", "Takes a task off the lists of others", tasks::claim),
        post("/api/v1/tasks/{task}/start", PERSON, "start_task", "Works on a task from now on, and takes it where one answer settles it", tasks::start),
        post("/api/v1/tasks/{task}/draft", PERSON, "save_task", "Keeps what is filled in so far", tasks::save),
        post("/api/v1/tasks/{task}/release", PERSON, "release_task", "Gives a task back to all who are asked", tasks::release),
        post("/api/v1/tasks/{task}/remarks", PERSON, "add_task_remark", "Says something about a task, asks somebody, or answers", tasks::remark),
        post("/api/v1/tasks/{task}/delegate", PERSON, "delegate_task", "Lets somebody act for one who is asked and stays accountable", tasks::delegate),
        post("/api/v1/tasks/{task}/reassign", PERSON, "reassign_task", "Hands the place of one who is asked over to somebody else", tasks::reassign),
        post("/api/v1/tasks/{task}/suspend", PERSON, "suspend_task", "Lets a task rest: nobody answers it until it goes on", tasks::suspend),
        post("/api/v1/tasks/{task}/resume", PERSON, "resume_task", "Lets a task go on that rests", tasks::resume),
        post("/api/v1/tasks/{task}/skip", PERSON, "skip_task", "Has the flow go on past the step of a task", tasks::skip),
        post("/api/v1/tasks/{task}/redo", PERSON, "redo_task", "Has the step of a settled task done again, and everything after it", tasks::redo),
    ]
}
