//! What handlers take from a request, with errors in this API's shape: paths, queries, bodies, conditions, pages.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::error::{Error, Result};
use crate::ids::Revision;

/// The parts in braces of a path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Error))]
pub struct Path<T>(pub T);

/// What stands after a path's `?`.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Error))]
pub struct Query<T>(pub T);

/// A JSON body; without a body, what the type is by default.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let text = text(request, state).await?;
        if text.trim().is_empty() {
            return Ok(Body(T::default()));
        }
        parse_json(&text).map(Body)
    }
}

/// Whether the body says of itself that it is JSON.
pub fn is_json(request: &Request) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    content_type
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.contains("json"))
}

/// A body of JSON.
pub fn parse_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|e| Error::invalid(format!("the body is not the JSON that is expected: {e}")))
}

/// A body as text, up to the router's limit.
pub async fn text<S: Send + Sync>(request: Request, state: &S) -> Result<String> {
    String::from_request(request, state)
        .await
        .map_err(|rejection| {
            let code = match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => "too_large",
                _ => "invalid",
            };
            Error::new(rejection.status(), code, rejection.body_text())
        })
}

/// What the request says that the stream must be before it is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `If-Match: "3"`: its revision.
    pub revision: Option<Revision>,
    /// `If-Match: *`: it exists.
    pub exists: bool,
    /// `If-None-Match: *`: it doesn't.
    pub is_new: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Conditions {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Conditions::read(&parts.headers)
    }
}

impl Conditions {
    fn read(headers: &HeaderMap) -> Result<Conditions> {
        let mut conditions = Conditions::default();
        let text = |name| {
            headers
                .get(name)
                .map(|v| v.to_str().unwrap_or_default().trim())
        };
        match text(header::IF_MATCH) {
            None => {}
            Some("*") => conditions.exists = true,
            Some(tag) => {
                let number = tag.trim_start_matches("W/").trim_matches('"');
                let number = number.parse().map_err(|_| {
                    Error::invalid(format!(
                        "If-Match `{tag}` is not the ETag of a stream, such as \"3\""
                    ))
                })?;
                conditions.revision = Some(Revision(number));
            }
        }
        match text(header::IF_NONE_MATCH) {
            None => {}
            Some("*") => conditions.is_new = true,
            Some(tag) => {
                return Err(Error::invalid(format!(
                    "If-None-Match `{tag}`: only * is understood, for a stream that must not exist yet"
                )));
            }
        }
        Ok(conditions)
    }
}

/// Which part of a list is asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// The most elements that are given: 1 to 1000, 100 by default.
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Give it as `after` to get the next page; null where this is the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Takes the page that is asked for out of a list that is in the order of its keys.
    pub fn cut(all: Vec<T>, paging: &Paging, key: impl Fn(&T) -> String) -> Result<Page<T>> {
        let limit = paging.limit()?;
        let after = paging.after.as_deref();
        let mut rest = all
            .into_iter()
            .filter(|item| after.is_none_or(|after| key(item).as_str() > after));
        let items: Vec<T> = rest.by_ref().take(limit).collect();
        let next = items.last().filter(|_| rest.next().is_some()).map(&key);
        Ok(Page { items, next })
    }
}

impl Paging {
    pub fn limit(&self) -> Result<usize> {
        match self.limit {
            None => Ok(100),
            Some(limit @ 1..=1000) => Ok(limit),
            Some(limit) => Err(Error::invalid(format!(
                "limit {limit} is not between 1 and 1000"
            ))),
        }
    }

    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_repeat() {
        let all: Vec<String> = (0..7).map(|n| format!("s{n}")).collect();
        let (mut paging, mut seen) = (
            Paging {
                limit: Some(3),
                after: None,
            },
            Vec::new(),
        );
        loop {
            let page = Page::cut(all.clone(), &paging, String::clone).expect("a page");
            seen.extend(page.items);
            match page.next {
                Some(next) => paging.after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, all);
        let paging = Paging {
            limit: Some(0),
            after: None,
        };
        assert!(Page::cut(all, &paging, String::clone).is_err());
    }

    #[test]
    fn conditions_are_read_or_refused() {
        let read = |name: &'static str, value: &'static str| {
            Conditions::read(&HeaderMap::from_iter([(
                name.parse().expect("a header"),
                value.parse().expect("a value"),
            )]))
        };
        assert_eq!(
            read("if-match", "\"3\"").expect("fine").revision,
            Some(Revision(3))
        );
        assert!(read("if-match", "*").expect("fine").exists);
        assert!(read("if-none-match", "*").expect("fine").is_new);
        assert!(read("if-match", "abc").is_err());
    }
}
