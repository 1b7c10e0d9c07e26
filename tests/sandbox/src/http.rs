//! From an HTTP request to its reply, by way of the log, the faults, the route and the schemas.

use std::sync::Arc;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, USER_AGENT};
use hyper::http::HeaderName;
use hyper::http::request::Parts;
use hyper::{Request, Response};
use serde_json::{Value, json};

use crate::cut::{Cut, Scissors};
use crate::error::{Refusal, grpc_body, oauth_body, oauth_word};
use crate::faults::Fault;
use crate::forward::forward;
use crate::routes::{self, Answer, Call, Guard, Route, Takes};
use crate::sandbox::{Logged, Shared};
use crate::server::{Body, whole};
use crate::state::State;
use crate::{admin, validate};

/// Far more than any request of this API needs.
const LARGEST_REQUEST: usize = 1 << 20;

/// A reply before it is hyper's.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    content_type: &'static str,
    header: Option<(HeaderName, String)>,
    body: Vec<u8>,
    /// The answer to this call, which is still to be made, takes its place: a URL and its authorization.
    forward: Option<(String, String)>,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Reply {
        Reply::raw(status, body.to_string())
    }

    fn raw(status: u16, body: String) -> Reply {
        Reply { status, content_type: "application/json", header: None, body: body.into_bytes(), forward: None }
    }

    fn text(status: u16, text: String) -> Reply {
        Reply { content_type: "text/plain; charset=utf-8", ..Reply::raw(status, text) }
    }

    fn page(status: u16, html: String) -> Reply {
        Reply { content_type: "text/html; charset=utf-8", ..Reply::raw(status, html) }
    }

    fn with(self, name: HeaderName, value: Option<String>) -> Reply {
        Reply { header: value.map(|value| (name, value)), ..self }
    }

    fn into_response(self) -> Response<Body> {
        let response = Response::builder().status(self.status).header(CONTENT_TYPE, self.content_type);
        let response = self.header.into_iter().fold(response, |response, (name, value)| response.header(name, value));
        response.body(whole(self.body)).expect("controls are checked for what cannot be sent")
    }
}

/// A request that was read.
struct Arrival {
    method: String,
    query: Vec<(String, String)>,
    route: Option<&'static Route>,
    call: Call,
    user_agent: Option<String>,
    /// Why the gateway would not even ask the service.
    unreadable: Option<Refusal>,
    violations: Vec<String>,
}

pub(crate) async fn answer(shared: Arc<Shared>, request: Request<Incoming>, scissors: Scissors) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, LARGEST_REQUEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            return Reply::json(413, &json!({"error": "the request is too large, or broke off"})).into_response();
        }
    };
    if head.uri.path().starts_with("/_sandbox/") {
        return admin::answer(&shared, head.method.as_str(), head.uri.path(), &body).into_response();
    }
    let arrival = Arrival::read(&head, &body);
    let (delay, fault) = arrival.record(&mut shared.state());
    if let Some(delay) = delay {
        tokio::time::sleep(delay).await;
    }
    let (reply, cut) = arrival.perform(&mut shared.state(), fault);
    if let Some(cut) = cut {
        scissors.order(cut);
    }
    let Some((url, authorization)) = &reply.forward else { return reply.into_response() };
    match forward(url, authorization, &head, body).await {
        Ok(answer) => answer.map(|body| whole(body.to_vec())),
        Err(why) => Reply::text(502, format!("upstream request failed: {why}")).into_response(),
    }
}

impl Arrival {
    fn read(head: &Parts, body: &Bytes) -> Arrival {
        let header = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (method, path) = (head.method.as_str().to_owned(), head.uri.path().to_owned());
        let query = pairs(head.uri.query().unwrap_or_default().as_bytes());
        let route = routes::find(&method, &path);
        let mut unreadable = None;
        let fields = match route.map(|route| route.takes) {
            None | Some(Takes::Nothing) => Value::Null,
            Some(Takes::Query(own)) => own.read(&query),
            Some(Takes::Form(own)) => own.read(&pairs(body)),
            Some(Takes::Json(_)) => serde_json::from_slice(body).unwrap_or_else(|_| {
                unreadable = Some(Refusal::InvalidArgument("the body is not JSON".to_owned()));
                Value::Null
            }),
        };
        let content_type = header(CONTENT_TYPE).unwrap_or_default();
        let violations = match route {
            // Whatever a provider takes.
            Some(route) if route.is_open_ended() => Vec::new(),
            Some(route) => validate::request(route, &query, &content_type, &fields),
            None => vec![format!("{method} {path}: request: no such route")],
        };
        let named = |name: &'static str| header(HeaderName::from_static(name)).unwrap_or_default();
        let (connection_name, identifier) = (named("connection_name"), named("identifier"));
        let call = Call { path, fields, authorization: header(AUTHORIZATION), connection_name, identifier };
        Arrival { method, query, route, call, user_agent: header(USER_AGENT), unreadable, violations }
    }

    /// Counts and logs the request, and takes what was ordered for it.
    fn record(&self, state: &mut State) -> (Option<std::time::Duration>, Option<Fault>) {
        let key = self.route.map_or_else(|| "no route".to_owned(), Route::key);
        let shown = |name: &str| match self.route.map(|route| route.takes) {
            Some(Takes::Query(own)) => own.knows(name),
            _ => false,
        };
        let query = self
            .query
            .iter()
            .map(|(name, value)| (name.clone(), if shown(name) { value.clone() } else { String::new() }));
        let public = self.route.filter(|route| route.guard == Guard::Open);
        let logged = Logged {
            method: self.method.clone(),
            path: public.map_or_else(|| self.call.path.clone(), |route| route.template.to_owned()),
            query: query.collect(),
            authorization_ok: self.route.is_some_and(|route| route.authorizes(state, &self.call)),
            user_agent: self.user_agent.clone(),
        };
        state.log.push(logged);
        state.violations.extend(self.violations.iter().cloned());
        let due = state.faults.take(&key);
        *state.routes.entry(key).or_default() += 1;
        due
    }

    fn perform(self, state: &mut State, fault: Option<Fault>) -> (Reply, Option<Cut>) {
        match fault {
            Some(Fault::Garbage(body)) => (Reply::raw(200, body), None),
            Some(Fault::Redirect(location)) => (Reply::raw(302, String::new()).with(LOCATION, Some(location)), None),
            Some(Fault::Fail { status, raw: Some(raw), retry_after, .. }) => {
                (Reply::raw(status, raw).with(RETRY_AFTER, retry_after), None)
            }
            Some(Fault::Fail { status, error_code, retry_after, raw: None }) => {
                let body = self.failure(state, status, error_code.as_deref());
                (self.checked(state, status, &body).with(RETRY_AFTER, retry_after), None)
            }
            Some(Fault::Oversize(bytes)) => {
                let mut reply = self.work(state);
                // Blanks after a document are part of no value: what is left of the reply is still JSON.
                reply.body.resize(bytes.max(reply.body.len()), b' ');
                (reply, None)
            }
            Some(Fault::Break(how)) => {
                let reply = self.work(state);
                let cut = how.cut(reply.body.len());
                (reply, Some(cut))
            }
            None => (self.work(state), None),
        }
    }

    /// The true reply.
    fn work(mut self, state: &mut State) -> Reply {
        let style = state.next_style();
        let Some(route) = self.route else {
            return Reply::json(404, &Refusal::NoRoute.body(style));
        };
        let allowed = match route.guard {
            Guard::Bearer => state.check_bearer(self.call.authorization.as_deref()),
            Guard::Client | Guard::Open => Ok(()),
        };
        let readable = self.unreadable.take().map_or(Ok(()), Err);
        let answer = allowed.and(readable).and_then(|()| (route.handler)(state, &self.call, style));
        match answer {
            Ok(Answer::Json { status, body }) => self.checked(state, status, &body),
            Ok(Answer::Cached { body, max_age }) => {
                let age = max_age.map(|seconds| format!("max-age={seconds}"));
                self.checked(state, 200, &body).with(CACHE_CONTROL, age)
            }
            Ok(Answer::Text { status, text }) => Reply::text(status, text),
            Ok(Answer::Forward { url, authorization }) => {
                Reply { forward: Some((url, authorization)), ..Reply::raw(200, String::new()) }
            }
            Ok(Answer::Page { status, html }) => Reply::page(status, html),
            Ok(Answer::Redirect { location }) => Reply::page(302, String::new()).with(LOCATION, Some(location)),
            Err(refusal) => self.checked(state, refusal.status(), &refusal.body(style)),
        }
    }

    /// The body of a failure that was ordered, in the form that the route has for failures.
    fn failure(&self, state: &mut State, status: u16, error_code: Option<&str>) -> Value {
        if self.route.is_some_and(|route| route.guard == Guard::Client) {
            return oauth_body(error_code.unwrap_or(oauth_word(status)), "ordered by a control");
        }
        grpc_body(status, "ordered by a control", error_code, state.next_style())
    }

    /// A JSON reply that is held to the schemas.
    fn checked(&self, state: &mut State, status: u16, body: &Value) -> Reply {
        if let Some(route) = self.route {
            state.violations.extend(validate::reply(route, status, body));
        }
        Reply::json(status, body)
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}
