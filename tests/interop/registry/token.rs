//! The tokens that distribution's registry takes: JWTs, signed by a key whose certificate it was told.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

use crate::support::registry::auth::Scope;
use crate::support::registry::tls::{Authority, Certificate};

/// Who issues, and for whom.
pub(super) const ISSUER: &str = "issuer of a test";
pub(super) const SERVICE: &str = "registry of a test";

/// How long a token is good, in seconds.
const LIFETIME: i64 = 300;

/// Signs tokens.
pub(super) struct Signer {
    authority: Authority,
    certificate: Certificate,
}

impl Signer {
    pub(super) fn new() -> Self {
        let authority = Authority::new();
        let certificate = authority.certify(&["issuer.test"]);
        Self { authority, certificate }
    }

    /// What the registry is told to trust.
    pub(super) fn bundle(&self) -> String {
        self.authority.pem()
    }

    /// A token for a user and what is granted.
    pub(super) fn sign(&self, user: &str, scopes: &[Scope]) -> String {
        let access: Vec<Value> = scopes
            .iter()
            .map(|scope| json!({"type": scope.kind, "name": scope.name, "actions": scope.actions}))
            .collect();
        let now = jiff::Timestamp::now().as_second();
        let header = json!({"typ": "JWT", "alg": "ES256", "x5c": [STANDARD.encode(self.certificate.der())]});
        let claims = json!({
            "iss": ISSUER,
            "aud": SERVICE,
            "sub": user,
            "iat": now,
            "nbf": now - 10,
            "exp": now + LIFETIME,
            "jti": now.to_string(),
            "access": access,
        });
        let text = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let random = SystemRandom::new();
        let key = self.certificate.key_der();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &random).expect("a key of P-256");
        let signature = key.sign(&random, text.as_bytes()).expect("a signature");
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}
