//! TLS for clients and servers, by rustls.

use crate::config::Secret;
use anyhow::{Context as _, bail, ensure};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use std::{
    fs,
    sync::{Arc, LazyLock},
};

crate::fields! {
    /// How a connection is encrypted.
    pub struct TlsConfig {
        /// Whether to use TLS.
        enabled: bool = "false",
        /// Whether to trust any server, whatever certificate it has. Not for production.
        skip_cert_verify: bool = "false",
        /// Without effect: TLS 1.3 and this implementation have no renegotiation.
        enable_renegotiation: bool = "false" [advanced],
        /// Certificates of the authorities to trust, as PEM text, in place of the system's.
        root_cas: Secret = "''",
        /// A file with the certificates of the authorities to trust, in place of the system's.
        root_cas_file: String = "''",
        /// Certificates to show to servers that ask for one.
        client_certs: Vec<ClientCert> = "[]",
    }
}

crate::fields! {
    /// A certificate with its key, each as text or as a file.
    pub struct ClientCert {
        /// The certificate as PEM text.
        cert: String = "''",
        /// Its key as PEM text.
        key: Secret = "''",
        /// A file with the certificate.
        cert_file: String = "''",
        /// A file with its key.
        key_file: String = "''",
        /// The password of the key; keys that need one aren't supported yet.
        password: Secret = "''",
    }
}

/// The authorities that the system trusts; those that Mozilla does where the system has none.
static SYSTEM_ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    Arc::new(roots)
});

/// What clients use where nothing is configured.
static DEFAULT_CLIENT: LazyLock<ClientConfig> = LazyLock::new(|| {
    builder()
        .with_root_certificates(SYSTEM_ROOTS.clone())
        .with_no_client_auth()
});

/// What clients connect with that have no settings of their own.
pub(crate) fn default_client() -> ClientConfig {
    DEFAULT_CLIENT.clone()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider has every protocol version")
}

impl TlsConfig {
    /// What a client connects with if it connects by TLS, whether this is `enabled` or not.
    pub fn client(&self) -> anyhow::Result<ClientConfig> {
        if !self.enabled {
            return Ok(DEFAULT_CLIENT.clone());
        }
        if self.enable_renegotiation {
            tracing::warn!("tls: enable_renegotiation has no effect");
        }
        let builder = builder();
        let builder = if self.skip_cert_verify {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(TrustAll(provider())))
        } else {
            builder.with_root_certificates(self.roots()?)
        };
        match self.client_certs.as_slice() {
            [] => Ok(builder.with_no_client_auth()),
            [cert] => {
                let (chain, key) = cert.load()?;
                builder
                    .with_client_auth_cert(chain, key)
                    .context("client_certs: the key doesn't fit the certificate")
            }
            _ => bail!("client_certs: only one certificate is supported"),
        }
    }

    fn roots(&self) -> anyhow::Result<Arc<RootCertStore>> {
        let pem = match (self.root_cas.0.as_str(), self.root_cas_file.as_str()) {
            ("", "") => return Ok(SYSTEM_ROOTS.clone()),
            ("", file) => fs::read(file).with_context(|| format!("read root_cas_file {file}"))?,
            (text, _) => text.as_bytes().to_vec(),
        };
        let mut roots = RootCertStore::empty();
        for cert in certificates(&pem)? {
            roots
                .add(cert)
                .context("root_cas: not the certificate of an authority")?;
        }
        ensure!(!roots.is_empty(), "root_cas has no certificate in it");
        Ok(Arc::new(roots))
    }
}

impl ClientCert {
    fn load(&self) -> anyhow::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        ensure!(
            self.password.0.is_empty(),
            "client_certs: keys with a password aren't supported; give the key without one"
        );
        let text = |text: &str, file: &str| match (text, file) {
            ("", file) => fs::read(file).with_context(|| format!("client_certs: read {file}")),
            (text, _) => Ok(text.as_bytes().to_vec()),
        };
        let chain = certificates(&text(&self.cert, &self.cert_file)?)?;
        let key = text(&self.key.0, &self.key_file)?;
        Ok((chain, key_from(&key)?))
    }
}

fn certificates(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .context("a certificate isn't valid PEM")
}

fn key_from(pem: &[u8]) -> anyhow::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem).context("a key isn't valid PEM (or has a password)")
}

/// What a server shows to its clients, from two PEM files.
pub(crate) fn server(cert_file: &str, key_file: &str) -> anyhow::Result<Arc<ServerConfig>> {
    let cert = fs::read(cert_file).with_context(|| format!("read cert_file {cert_file}"))?;
    let key = fs::read(key_file).with_context(|| format!("read key_file {key_file}"))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider has every protocol version")
        .with_no_client_auth()
        .with_single_cert(certificates(&cert)?, key_from(&key)?)
        .context("the key doesn't fit the certificate")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Takes any certificate, but still checks that the server has its key.
#[derive(Debug)]
struct TrustAll(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustAll {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
