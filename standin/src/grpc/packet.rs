//! The messages of `protobuf.Transport`, by the field numbers of Hoop's `transport.proto`.
//!
//! Fields that a stand-in never reads are left out: an unknown field is skipped, here as in Go.

use prost::Message;

/// What an embedded agent asks before it opens its stream.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PreConnectRequest {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}

/// `CONNECT` when someone waits for this agent, `BACKOFF` otherwise.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PreConnectResponse {
    #[prost(string, tag = "1")]
    pub(crate) status: String,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
}

/// Empty, so whatever it holds is padding.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct HealthCheckRequest {}

/// Says `OK`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct HealthCheckResponse {
    #[prost(string, tag = "1")]
    pub(crate) status: String,
}
