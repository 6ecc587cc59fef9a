//! Tokens: every way to sign in, asked of a stand-in for Entra.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use costlake_benches::stub::{Entra, HttpStub, Received, Reply};
use costlake_engine::azure::cloud::STORAGE_RESOURCE;
use costlake_engine::azure::{AzureError, Certificate, Credential, Secret, TokenSource};
use costlake_engine::error::{ErrorClass, Fault};
use ring::digest::{SHA256, digest};
use ring::signature::{KeyPair as _, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::Value;

const TENANT: &str = "22222222-2222-2222-2222-222222222222";
const CLIENT: &str = "33333333-3333-3333-3333-333333333333";
const SECRET: &str = "pa55~word/with+signs=";
const MANAGEMENT: &str = "https://management.azure.com";

/// Made for this test; guards nothing.
const CLIENT_PEM: &[u8] = include_bytes!("../../../testdata/azure/client.pem");

fn with_secret(entra: &Entra, secret: &str) -> TokenSource {
    let credential = Credential::ClientSecret {
        tenant_id: TENANT.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: Secret::new(secret),
    };
    TokenSource::new(credential, &entra.authority_host()).unwrap()
}

fn form(request: &Received, name: &str) -> String {
    let form = request.form();
    form.into_iter().find(|(known, _)| known == name).map(|(_, value)| value).unwrap_or_default()
}

/// A part of a JWT.
fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_secret_buys_one_token_for_each_resource() {
    let entra = Entra::with_secret(TENANT, CLIENT, SECRET);
    let source = with_secret(&entra, SECRET);
    let token = source.token(STORAGE_RESOURCE).await.unwrap();
    assert_eq!(token, source.token(STORAGE_RESOURCE).await.unwrap());
    let claims = part(token.reveal(), 1);
    assert_eq!(claims["aud"], STORAGE_RESOURCE);
    assert_eq!(claims["iss"], format!("https://sts.windows.net/{TENANT}/"));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["nbf"].as_u64().unwrap(), 3_599);
    let other = source.token(MANAGEMENT).await.unwrap();
    assert_eq!(part(other.reveal(), 1)["aud"], MANAGEMENT);

    let received = entra.stub.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].path, format!("/{TENANT}/oauth2/v2.0/token"));
    assert_eq!(form(&received[0], "grant_type"), "client_credentials");
    assert_eq!(form(&received[0], "scope"), "https://storage.azure.com/.default");
    assert_eq!(form(&received[0], "client_secret"), SECRET);
    assert_eq!(received[0].header("content-type"), Some("application/x-www-form-urlencoded"));
}

#[tokio::test]
async fn who_asks_at_once_shares_one_answer() {
    let entra = Entra::with_secret(TENANT, CLIENT, SECRET);
    let source = Arc::new(with_secret(&entra, SECRET));
    let asked = (0..8).map(|_| {
        let source = Arc::clone(&source);
        async move { source.token(STORAGE_RESOURCE).await.unwrap() }
    });
    futures::future::join_all(asked).await;
    assert_eq!(entra.stub.received().len(), 1);
}

#[tokio::test]
async fn a_certificate_signs_what_entra_can_verify() {
    let entra = Entra::with_assertions(TENANT, CLIENT);
    let credential = Credential::ClientCertificate {
        tenant_id: TENANT.to_owned(),
        client_id: CLIENT.to_owned(),
        certificate: Arc::new(Certificate::from_pem("client.pem", CLIENT_PEM).unwrap()),
    };
    let source = TokenSource::new(credential, &entra.authority_host()).unwrap();
    source.token(MANAGEMENT).await.unwrap();
    let received = entra.stub.received();
    let assertion = form(&received[0], "client_assertion");
    let (header, claims) = (part(&assertion, 0), part(&assertion, 1));

    let certificate = CertificateDer::from_pem_slice(CLIENT_PEM).unwrap();
    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate));
    assert_eq!((&header["alg"], &header["typ"]), (&"PS256".into(), &"JWT".into()));
    assert_eq!(header["x5t#S256"], thumbprint);
    let audience = format!("{}/{TENANT}/oauth2/v2.0/token", entra.authority_host());
    assert_eq!(claims["aud"], audience);
    assert_eq!((&claims["iss"], &claims["sub"]), (&CLIENT.into(), &CLIENT.into()));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["nbf"].as_u64().unwrap(), 600);
    assert!(claims["jti"].as_str().is_some_and(|id| id.len() == 36));

    let key = PrivatePkcs8KeyDer::from_pem_slice(CLIENT_PEM).unwrap();
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
    let public = key.public_key().as_ref();
    assert!(
        certificate.windows(public.len()).any(|window| window == public),
        "the certificate holds the key that is verified with"
    );
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let verifier = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, public);
    verifier.verify(message.as_bytes(), &signature).unwrap();
    assert!(verifier.verify(&message.as_bytes()[1..], &signature).is_err());
}

#[tokio::test]
async fn a_federated_token_is_read_anew_for_every_token() {
    let entra = Entra::with_assertions(TENANT, CLIENT);
    // Less than what a token must have left: each is renewed at once.
    entra.set_lifetime_s(60);
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    let source = TokenSource::new(
        Credential::FederatedToken {
            tenant_id: TENANT.to_owned(),
            client_id: CLIENT.to_owned(),
            token_file: token_file.clone(),
        },
        &entra.authority_host(),
    )
    .unwrap();
    let error = source.token(MANAGEMENT).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::BadConfig);
    assert!(error.to_string().starts_with("cannot read "), "{error}");
    for assertion in ["first.assertion.x", "second.assertion.x"] {
        std::fs::write(&token_file, format!("{assertion}\n")).unwrap();
        source.token(MANAGEMENT).await.unwrap();
    }
    let received = entra.stub.received();
    let assertions: Vec<String> = received.iter().map(|r| form(r, "client_assertion")).collect();
    assert_eq!(assertions, ["first.assertion.x", "second.assertion.x"]);
    assert_eq!(
        form(&received[0], "client_assertion_type"),
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
}

#[tokio::test]
async fn a_managed_identity_is_asked_as_its_service_wants() {
    let entra = Entra::with_secret(TENANT, CLIENT, SECRET);
    let source = TokenSource::new(
        Credential::ManagedIdentity {
            identity: Some(("client_id", CLIENT.to_owned())),
            endpoint: Some(entra.metadata_endpoint()),
            identity_header: Some(Secret::new("header-of-app-service")),
        },
        "https://unused",
    )
    .unwrap();
    let token = source.token(MANAGEMENT).await.unwrap();
    assert_eq!(part(token.reveal(), 1)["aud"], MANAGEMENT);
    source.token(MANAGEMENT).await.unwrap();
    let received = entra.stub.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].header("metadata"), Some("true"));
    assert_eq!(received[0].header("x-identity-header"), Some("header-of-app-service"));
    assert_eq!(received[0].parameter("api-version"), Some("2019-08-01"));
    assert_eq!(received[0].parameter("resource"), Some("https://management.azure.com/"));
    assert_eq!(received[0].parameter("client_id"), Some(CLIENT));
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_kept_while_nobody_answers() {
    let entra = Entra::with_secret(TENANT, CLIENT, SECRET);
    entra.set_lifetime_s(299);
    let source = with_secret(&entra, SECRET);
    let first = source.token(STORAGE_RESOURCE).await.unwrap();
    entra.set_lifetime_s(298);
    let second = source.token(STORAGE_RESOURCE).await.unwrap();
    assert_ne!(first, second);
    entra.refuse("AADSTS7000222", "The provided client secret keys are expired.");
    assert_eq!(source.token(STORAGE_RESOURCE).await.unwrap(), second);
    assert_eq!(entra.stub.received().len(), 3);
    assert!(source.token(MANAGEMENT).await.is_err(), "there is no older one of it");
}

#[tokio::test]
async fn passing_faults_are_asked_again_and_end_as_such() {
    let entra = Entra::with_secret(TENANT, CLIENT, SECRET);
    let passing = |status| Reply::text(status, "busy").header("retry-after", "0");
    let token = serde_json::json!({ "access_token": "a.b.c", "expires_in": 3600 });
    let path = entra.token_path();
    let replies = [passing(429), passing(500), Reply::hang_up(), passing(503)];
    entra.stub.on("POST", &path, replies.into_iter().chain([Reply::json(200, &token)]));
    let source = with_secret(&entra, SECRET);
    assert_eq!(source.token(STORAGE_RESOURCE).await.unwrap().reveal(), "a.b.c");
    assert_eq!(entra.stub.received().len(), 5);

    for status in [429, 500] {
        let entra = Entra::with_secret(TENANT, CLIENT, SECRET);
        entra.stub.on("POST", &path, [passing(status)]);
        let error = with_secret(&entra, SECRET).token(STORAGE_RESOURCE).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Retryable);
        let place = format!("{}{path}", entra.authority_host());
        assert_eq!(error.to_string(), format!("{place} does not answer: HTTP {status}"));
        assert_eq!(entra.stub.received().len(), 6, "once and five times again");
    }
}

#[tokio::test]
async fn entras_codes_tell_what_to_do() {
    for (code, hint) in [
        ("AADSTS7000215", "give the secret's value, not its id"),
        ("AADSTS7000222", "the client secret has expired"),
        ("AADSTS700016", "the app is not known in that tenant"),
        ("AADSTS90002", "there is no such tenant"),
        ("AADSTS700027", "the certificate is not accepted"),
        ("AADSTS70021", "no federated credential of the app matches"),
        ("AADSTS500011", "the resource is not known in that tenant"),
        ("AADSTS53003", "check tenant id, client id and secret"),
    ] {
        let entra = Entra::with_secret(TENANT, CLIENT, SECRET);
        entra.refuse(code, "No.");
        let error = with_secret(&entra, SECRET).token(MANAGEMENT).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Denied, "{code}");
        // Trace ids, which help nobody here, are left out.
        assert_eq!(error.to_string(), format!("no token for {MANAGEMENT}: {code}: No."));
        assert!(error.hint().unwrap().contains(hint), "{code}: {:?}", error.hint());
        assert!(error.location().is_some());
    }
    let entra = Entra::with_secret(TENANT, CLIENT, SECRET);
    let error = with_secret(&entra, "wrong secret").token(MANAGEMENT).await.unwrap_err();
    let AzureError::TokenRefused { code, .. } = &error else { panic!("{error:?}") };
    assert_eq!(code.as_deref(), Some("AADSTS7000215"));
}

#[tokio::test]
async fn no_secret_is_in_any_error() {
    let encoded: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let echoes = [
        format!(r#"{{"error_description":"AADSTS1: you sent {SECRET}"}}"#),
        format!("<html>client_secret={encoded}&grant_type=x</html>"),
        format!(r#"{{"error":"{SECRET}"}}"#),
    ];
    for (status, echo) in
        [400, 401, 200].iter().flat_map(|status| echoes.iter().map(move |echo| (*status, echo)))
    {
        let entra = Entra::with_secret(TENANT, CLIENT, SECRET);
        entra.stub.on("POST", &entra.token_path(), [Reply::text(status, echo.clone())]);
        let source = with_secret(&entra, SECRET);
        let error = source.token(MANAGEMENT).await.unwrap_err();
        let printed = format!("{error} {error:?} {:?} {source:?}", error.hint());
        assert!(!printed.contains("pa55") && !printed.contains("with%2B"), "{printed}");
    }
}

#[tokio::test]
async fn a_redirect_takes_no_secret_anywhere() {
    let (stub, other) = (HttpStub::start(), HttpStub::start());
    let token = format!("/{TENANT}/oauth2/v2.0/token");
    for status in [301, 302, 307, 308] {
        let elsewhere = Reply::text(status, "").header("Location", &format!("{}/x", other.url()));
        stub.on("POST", &token, [elsewhere]);
        let credential = Credential::ClientSecret {
            tenant_id: TENANT.to_owned(),
            client_id: CLIENT.to_owned(),
            client_secret: Secret::new(SECRET),
        };
        let source = TokenSource::new(credential, &stub.url()).unwrap();
        let error = source.token(MANAGEMENT).await.unwrap_err();
        assert!(!error.to_string().contains(SECRET), "{error}");
        assert_eq!(other.received(), [], "{status}");
    }
    assert_eq!(stub.received().len(), 4);
}

#[tokio::test]
async fn nothing_goes_out_unencrypted_except_to_this_machine() {
    let entra = Entra::with_secret(TENANT, CLIENT, SECRET);
    let credential = with_secret(&entra, SECRET).credential().clone();
    // Addresses for documentation: nobody is there.
    for host in ["http://192.0.2.1:9", "http://localhost.example.com:9", "http://[2001:db8::1]:9"] {
        let source = TokenSource::new(credential.clone(), host).unwrap();
        let error = source.token(MANAGEMENT).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::BadConfig, "{error}");
        let place = format!("{host}/{TENANT}/oauth2/v2.0/token");
        assert_eq!(error.to_string(), format!("{place} is not encrypted"));

        let identity = Credential::ManagedIdentity {
            identity: None,
            endpoint: Some(format!("{host}/token")),
            identity_header: None,
        };
        let source = TokenSource::new(identity, "https://unused").unwrap();
        let error = source.token(MANAGEMENT).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{host}/token is not encrypted"));
    }
}
