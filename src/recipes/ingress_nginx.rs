//! ingress-nginx: an Ingress for REST, one for gRPC, and what only the controller's ConfigMap can say.

use super::Asked;
use super::kubernetes::service;

/// Manifests for `kubectl apply -f -`, in the gateway's namespace.
pub(super) fn ingress_nginx(asked: &Asked) -> String {
    let host = &asked.host;
    let grpc = asked.grpc();
    let secret = asked.certificate.as_deref().unwrap_or("hoopgateway-tls");
    let service = service(asked);
    let (rest_protocol, grpc_protocol, why) = match asked.tls_upstream {
        true => (
            "HTTPS",
            "GRPCS",
            "the gateway has TLS on both ports; its certificate is signed by itself, and isn't verified",
        ),
        false => ("HTTP", "GRPC", "the gateway speaks cleartext on both ports"),
    };
    format!(
        r#"# Hoop behind ingress-nginx: https://{host} for REST and the web page, grpcs://{grpc}:443 for agents and clients.
# The secret {secret} is of the type kubernetes.io/tls, in the namespace of these Ingresses.
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: hoopgateway-grpc
  annotations:
    # gRPC is HTTP/2 all the way: {why}.
    nginx.ingress.kubernetes.io/backend-protocol: {grpc_protocol}
    # The size counts over the whole life of a stream, and an agent's never ends.
    nginx.ingress.kubernetes.io/proxy-body-size: "0"
    # A client that waits for an approval is quiet; 60 seconds are the default.
    nginx.ingress.kubernetes.io/proxy-read-timeout: "3600"
    nginx.ingress.kubernetes.io/proxy-send-timeout: "3600"
spec:
  ingressClassName: nginx
  tls:
  # The same names as under rules, or the controller's fake certificate is served.
  - hosts:
    - {grpc}
    secretName: {secret}
  rules:
  - host: {grpc}
    http:
      paths:
      # All methods: Connect, PreConnect and HealthCheck.
      - path: /protobuf.Transport
        pathType: Prefix
        backend:
          service:
            name: {service}
            port:
              number: 8010
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: hoopgateway-web
  annotations:
    # An Ingress of its own, since this is for all of its paths: {why}.
    nginx.ingress.kubernetes.io/backend-protocol: {rest_protocol}
    nginx.ingress.kubernetes.io/proxy-body-size: "0"
    # WebSockets pass by themselves, and are quiet too.
    nginx.ingress.kubernetes.io/proxy-read-timeout: "3600"
    nginx.ingress.kubernetes.io/proxy-send-timeout: "3600"
spec:
  ingressClassName: nginx
  tls:
  - hosts:
    - {host}
    secretName: {secret}
  rules:
  - host: {host}
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: {service}
            port:
              number: 8009
---
# The controller's own: its Helm chart calls it like this, and `kubectl apply` adds these keys to those that it has.
apiVersion: v1
kind: ConfigMap
metadata:
  name: ingress-nginx-controller
  namespace: ingress-nginx
data:
  # A stream that is quiet in the client's direction ends after this; no annotation has it.
  client-body-timeout: "3600"
  # The WebSocket of the RDP helper sends a field HOOP_KEY, which is dropped otherwise.
  enable-underscores-in-headers: "true"
  # A token of a large identity provider has more than the default of 8k.
  large-client-header-buffers: 4 32k
  # Every call counts as a request, and the connection is closed after the last.
  keep-alive-requests: "100000"
"#
    )
}
