//! Host names in the form in which rights and secret bindings compare them.

/// The host of an `http` or `https` URL in lower case, with its port unless it is the default one.
/// The URL is parsed exactly as the HTTP client parses it, so that both mean the same host.
pub fn host_of(url: &str) -> Option<String> {
    let url: reqwest::Url = url.trim().parse().ok()?;
    let host = url.host_str()?.to_ascii_lowercase();
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn a_host_has_its_port_where_that_is_not_the_usual_one() {
        for (url, host) in [
            ("https://ERP.example/x", Some("erp.example")),
            ("https://erp.example:443/x", Some("erp.example")),
            ("http://erp.example:443/x", Some("erp.example:443")),
            (" https://erp.example:8443 ", Some("erp.example:8443")),
            ("http://[::1]:80/", Some("[::1]")),
            ("https://erp.example\\@evil.example/", Some("erp.example")),
            ("https://erp.example@evil.example/", Some("evil.example")),
            ("erp.example", None),
            ("mailto:a@b.example", None),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
    }
}
