//! Which pages of other sites may ask a server.

use super::canonical;
use anyhow::ensure;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header},
};

crate::fields! {
    /// Which pages of other sites may send requests (CORS).
    pub struct CorsConfig {
        /// Whether to allow any.
        enabled: bool = "false",
        /// The sites that may; `*` for all.
        allowed_origins: Vec<String> = "[]",
        /// The headers that they may send besides the usual ones.
        allowed_headers: Vec<String> = "[]",
        /// The methods that they may use.
        allowed_methods: Vec<String> = "[GET, HEAD, POST, PUT, PATCH, DELETE]",
    }
}

impl CorsConfig {
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(
            !self.enabled || !self.allowed_origins.is_empty(),
            "cors: allowed_origins needs at least one site if it is enabled"
        );
        Ok(())
    }

    /// What to add to the answer to a request, or the whole answer where the request only asks for permission.
    pub fn judge(&self, request: &Request<Body>) -> Result<HeaderMap, Box<Response<Body>>> {
        let mut headers = HeaderMap::new();
        if !self.enabled {
            return Ok(headers);
        }
        let asks = request.method() == Method::OPTIONS;
        let Some(origin) = request.headers().get(header::ORIGIN) else {
            return match asks {
                true => Err(empty(StatusCode::OK, headers)),
                false => Ok(headers),
            };
        };
        let text = origin.to_str().unwrap_or_default();
        let any = self.allowed_origins.iter().any(|o| o == "*");
        if !any && self.allowed_origins.iter().all(|o| o != text) {
            return match asks {
                true => Err(empty(StatusCode::OK, headers)),
                false => Ok(headers),
            };
        }
        if asks && let Err(status) = self.permit(request, &mut headers) {
            return Err(empty(status, HeaderMap::new()));
        }
        if self.allowed_origins.len() > 1 {
            headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        }
        let allowed = match any {
            true => HeaderValue::from_static("*"),
            false => origin.clone(),
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        match asks {
            true => Err(empty(StatusCode::OK, headers)),
            false => Ok(headers),
        }
    }

    /// Checks what a request asks permission for.
    fn permit(&self, request: &Request<Body>, answer: &mut HeaderMap) -> Result<(), StatusCode> {
        let text = |name| {
            let value = request.headers().get(name)?;
            value.to_str().ok()
        };
        let method = text(header::ACCESS_CONTROL_REQUEST_METHOD).ok_or(StatusCode::BAD_REQUEST)?;
        if self.allowed_methods.iter().all(|m| m != method) {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        let wanted = text(header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
        let mut allowed = Vec::new();
        for name in wanted.split(',').map(str::trim).filter(|n| !n.is_empty()) {
            let name = canonical(name);
            if matches!(
                &*name,
                "Accept" | "Accept-Language" | "Content-Language" | "Origin"
            ) {
                continue;
            }
            if self.allowed_headers.iter().all(|h| canonical(h) != name) {
                return Err(StatusCode::FORBIDDEN);
            }
            allowed.push(name.to_string());
        }
        if let Ok(value) = HeaderValue::from_str(&allowed.join(","))
            && !allowed.is_empty()
        {
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, value);
        }
        if !matches!(method, "GET" | "HEAD" | "POST")
            && let Ok(value) = HeaderValue::from_str(method)
        {
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, value);
        }
        Ok(())
    }
}

fn empty(status: StatusCode, headers: HeaderMap) -> Box<Response<Body>> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Box::new(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cors() -> CorsConfig {
        CorsConfig {
            enabled: true,
            allowed_origins: vec!["http://a.test".into()],
            allowed_headers: vec!["x-token".into()],
            allowed_methods: vec!["GET".into(), "PUT".into()],
        }
    }

    fn ask(method: &str, origin: &str, wants: &[(&str, &str)]) -> Request<Body> {
        let mut request = Request::builder().method(method).header("origin", origin);
        for (name, value) in wants {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).expect("a request")
    }

    #[test]
    fn other_sites_are_told_what_they_may() {
        let method = "access-control-request-method";
        let headers = "access-control-request-headers";
        let plain = cors()
            .judge(&ask("GET", "http://a.test", &[]))
            .expect("goes on");
        assert_eq!(plain["access-control-allow-origin"], "http://a.test");
        assert!(
            cors()
                .judge(&ask("GET", "http://b.test", &[]))
                .expect("goes on")
                .is_empty()
        );
        let nobody = Request::builder().method("OPTIONS").body(Body::empty());
        let answer = cors().judge(&nobody.expect("a request"));
        assert_eq!(answer.expect_err("an answer").status(), 200);
        let table = [
            (vec![(method, "PUT"), (headers, "X-Token")], 200),
            (vec![(method, "DELETE")], 405),
            (vec![(method, "GET"), (headers, "X-Other")], 403),
            (vec![], 400),
        ];
        for (wants, status) in table {
            let answer = cors().judge(&ask("OPTIONS", "http://a.test", &wants));
            assert_eq!(answer.expect_err("an answer").status(), status, "{wants:?}");
        }
    }
}
