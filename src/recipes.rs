//! Known-good configuration for each proxy, filled in: text with a reason at each line that matters.
//!
//! A recipe is what its proxy takes as it is. Every one of them is started for real in the tests where that is possible.

/// What a recipe is filled in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The host of the API, and of gRPC too where that has none of its own.
    pub host: String,
    /// The host of gRPC, where it has one of its own.
    pub grpc_host: Option<String>,
    /// The certificate with its chain: a file, the name of a Kubernetes secret or an ARN, whatever the proxy takes.
    pub certificate: Option<String>,
    /// The gateway's host, as the proxy reaches it: a name or an address; its ports are 8009 and 8010.
    pub gateway: String,
    /// Whether the gateway itself speaks TLS, on both ports.
    pub tls_upstream: bool,
}

impl Asked {
    /// The host of gRPC.
    pub fn grpc(&self) -> &str {
        self.grpc_host.as_deref().unwrap_or(&self.host)
    }
}
