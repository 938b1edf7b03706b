//! What a server asks for: the `WWW-Authenticate` header
//! ([RFC 9110, 11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1)).

/// How a server wants to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A user and a password with each request.
    Basic,
    /// A token of a token server.
    Bearer(Bearer),
}

/// Where tokens come from ([the token specification](https://distribution.github.io/distribution/spec/auth/token/)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bearer {
    /// The URL of the token server, as it was given.
    pub(super) realm: String,
    /// The name by which the token server knows the registry.
    pub(super) service: Option<String>,
    /// What is to be allowed, such as `repository:library/ubuntu:pull`; several are separated by spaces.
    pub(super) scope: Option<String>,
}

/// The challenge to answer, of all that a response has: tokens are preferred to passwords.
pub(super) fn choose<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let all: Vec<Challenge> = headers.flat_map(parse).collect();
    let bearer = all.iter().find(|challenge| matches!(challenge, Challenge::Bearer(_)));
    bearer.or(all.first()).cloned()
}

/// The challenges of one header. Schemes that are not known are skipped.
fn parse(header: &str) -> Vec<Challenge> {
    let mut rest = Scanner(header);
    let mut found = Vec::new();
    while let Some(scheme) = rest.word() {
        let parameters = rest.parameters();
        let value = |name: &str| {
            let named = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            named.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        };
        if scheme.eq_ignore_ascii_case("basic") {
            found.push(Challenge::Basic);
        } else if scheme.eq_ignore_ascii_case("bearer")
            && let Some(realm) = value("realm")
        {
            found.push(Challenge::Bearer(Bearer { realm, service: value("service"), scope: value("scope") }));
        }
    }
    found
}

/// What is left of a header.
struct Scanner<'a>(&'a str);

impl Scanner<'_> {
    /// The next scheme or name; skips what cannot be one.
    fn word(&mut self) -> Option<String> {
        let is_token = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
        self.0 = self.0.trim_start_matches(|letter| !is_token(letter));
        let end = self.0.find(|letter| !is_token(letter)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }

    /// The parameters behind a scheme, up to the next scheme.
    fn parameters(&mut self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        loop {
            let before = self.0;
            let Some(name) = self.word() else { return all };
            let Some(value) = self.0.trim_start().strip_prefix('=') else {
                self.0 = before;
                return all;
            };
            self.0 = value.trim_start();
            all.push((name, self.value()));
        }
    }

    /// A quoted text or a word.
    fn value(&mut self) -> String {
        let Some(quoted) = self.0.strip_prefix('"') else {
            let end = self.0.find([',', ' ', '\t']).unwrap_or(self.0.len());
            let (word, rest) = self.0.split_at(end);
            self.0 = rest;
            return word.to_owned();
        };
        let mut text = String::new();
        let mut letters = quoted.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.0 = &quoted[at + 1..];
                    return text;
                }
                '\\' => text.extend(letters.next().map(|(_, letter)| letter)),
                letter => text.push(letter),
            }
        }
        self.0 = "";
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Challenge::Bearer(Bearer { realm: realm.to_owned(), service: owned(service), scope: owned(scope) })
    }

    #[test]
    fn challenges_of_real_servers() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/ubuntu:pull""#;
        let all = (Some("registry.docker.io"), Some("repository:library/ubuntu:pull"));
        let cases = [
            (hub, vec![bearer("https://auth.docker.io/token", all.0, all.1)]),
            (r#"Basic realm="Registry realm""#, vec![Challenge::Basic]),
            ("basic", vec![Challenge::Basic]),
            (r"Bearer realm=https://a/t , service = b", vec![bearer("https://a/t", Some("b"), None)]),
            (r#"Bearer realm="https://a/t?x=\"1\",2",service="""#, vec![bearer(r#"https://a/t?x="1",2"#, None, None)]),
            (
                r#"Negotiate, Basic realm="a, Bearer b", Bearer realm="c""#,
                vec![Challenge::Basic, bearer("c", None, None)],
            ),
            (r#"Bearer service="no realm""#, vec![]),
            (r#"Bearer realm="unclosed"#, vec![bearer("unclosed", None, None)]),
            (r#"Digest qop="auth""#, vec![]),
            ("", vec![]),
            (" ,,= \"", vec![]),
        ];
        for (header, challenges) in cases {
            assert_eq!(parse(header), challenges, "{header}");
        }
    }

    #[test]
    fn tokens_are_preferred() {
        let headers = [r#"Basic realm="a""#, r#"Bearer realm="b""#];
        assert_eq!(choose(headers.into_iter()), Some(bearer("b", None, None)));
        assert_eq!(choose(headers[..1].iter().copied()), Some(Challenge::Basic));
        assert_eq!(choose(std::iter::empty()), None);
    }
}
