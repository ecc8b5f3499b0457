//! The calls that tell whether gRPC reaches the gateway, none of which needs credentials or leaves a trace (`gateway/transport/server.go`).

use crate::http2::{Body, Call, CallName, Tokens};

/// The largest message that the gateway takes, in bytes (`MaxRecvMsgSize`, 17 MiB).
pub const MAX_MESSAGE: u32 = 17_825_792;

/// An empty protobuf message behind its five octets of prefix.
const EMPTY_MESSAGE: [u8; 5] = [0; 5];

/// All calls of a healthy check, for one flight.
///
/// `origin` is `agent` or `client`, whichever identity the endpoint belongs to.
pub fn base_calls(origin: &str) -> Vec<Call> {
    vec![
        call(CallName::Connect),
        with_origin(origin),
        call(CallName::DeclaredBody),
        call(CallName::PreConnect),
        call(CallName::HealthCheck),
        call(CallName::UnknownMethod),
    ]
}

/// One call by its name; `ConnectWithOrigin` as a client.
pub fn call(name: CallName) -> Call {
    let empty = || Body::Whole(EMPTY_MESSAGE.to_vec());
    match name {
        CallName::Connect => request(name, "Connect", Body::Open),
        CallName::ConnectWithOrigin => with_origin("client"),
        CallName::ConnectEnded => request(name, "Connect", empty()),
        CallName::ConnectBegun => request(name, "Connect", Body::Begun(EMPTY_MESSAGE.to_vec())),
        CallName::DeclaredBody => crate::limits::declared(MAX_MESSAGE),
        CallName::PreConnect => request(name, "PreConnect", empty()),
        CallName::HealthCheck => request(name, "HealthCheck", empty()),
        CallName::UnknownMethod => request(name, "HoopDoctor", empty()),
        CallName::ConnectWithToken => to_nowhere(),
        CallName::Healthz
        | CallName::PublicServerInfo
        | CallName::WebSocket
        | CallName::UserInfo
        | CallName::ServerInfo => crate::rest::call(name, ""),
    }
}

fn with_origin(origin: &str) -> Call {
    let mut call = request(CallName::ConnectWithOrigin, "Connect", Body::Open);
    call.fields.push(("origin", origin.to_owned()));
    call
}

/// `Connect` of a client to a connection that doesn't exist. `verb` is what keeps a gateway alive that takes the token.
pub(crate) fn to_nowhere() -> Call {
    let mut call = request(CallName::ConnectWithToken, "Connect", Body::Open);
    call.fields.push(("origin", "client".to_owned()));
    call.fields.push(("verb", "connect".to_owned()));
    call.fields.push(("connection-name", crate::auth::no_connection()));
    call
}

pub(crate) fn request(name: CallName, method: &str, body: Body) -> Call {
    Call {
        name,
        method: "POST",
        path: format!("/protobuf.Transport/{method}"),
        fields: vec![
            ("content-type", "application/grpc".to_owned()),
            ("te", "trailers".to_owned()),
            ("user-agent", crate::GRPC_USER_AGENT.to_owned()),
        ],
        tokens: Tokens::default(),
        bearer: None,
        body,
    }
}
