//! Client certificates: a signed assertion in place of a client secret.
//!
//! In: PEM text with a certificate and its RSA key. Out: the assertion that
//! Entra takes (RFC 7523, signed PS256, the certificate named by its SHA-256;
//! learn.microsoft.com/entra/identity-platform/certificate-credentials). Never
//! reads a file and never asks for a token.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PSS_SHA256, RsaKeyPair};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::error::AzureError;
use super::secret::Secret;

/// How long an assertion counts.
const ASSERTION_SECONDS: u64 = 600;

/// A certificate with its key.
pub struct Certificate {
    key: RsaKeyPair,
    /// base64url of the SHA-256 of the certificate.
    thumbprint: String,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Certificate({}, key redacted)", self.thumbprint)
    }
}

impl Certificate {
    /// Reads PEM text: a certificate and an unencrypted RSA key, in any order.
    /// Errors name `place` and never quote the text.
    pub fn from_pem(place: &str, pem: &[u8]) -> Result<Self, AzureError> {
        let bad = |what: &str, hint: &str| AzureError::BadCredential {
            what: format!("{place}: {what}"),
            hint: hint.to_owned(),
        };
        let convert = "write a PEM file with certificate and unencrypted key, e.g. openssl pkcs12 \
                       -in app.pfx -nodes -out app.pem";
        let certificate = CertificateDer::from_pem_slice(pem)
            .map_err(|_| bad("there is no certificate in it", convert))?;
        let key = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|_| bad("there is no unencrypted private key in it", convert))?;
        let key = match &key {
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            _ => return Err(bad("its key is not RSA", "Entra takes RSA certificates only")),
        };
        let key = key.map_err(|_| {
            bad("its key cannot be used", "Entra takes RSA keys of 2048 bits and more")
        })?;
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate));
        Ok(Self { key, thumbprint })
    }

    /// The assertion of a client to a token URL. `now_s` are seconds since 1970 UTC.
    pub fn assertion(
        &self,
        client_id: &str,
        token_url: &str,
        now_s: u64,
    ) -> Result<Secret, AzureError> {
        let header = serde_json::json!({
            "alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint,
        });
        let claims = serde_json::json!({
            "aud": token_url, "iss": client_id, "sub": client_id,
            "jti": uuid::Uuid::new_v4().to_string(),
            "nbf": now_s, "exp": now_s + ASSERTION_SECONDS,
        });
        let encoded = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(|_| AzureError::BadCredential {
                what: "the certificate's key does not sign".to_owned(),
                hint: "make a new certificate".to_owned(),
            })?;
        Ok(Secret::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}
