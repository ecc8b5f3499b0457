//! Istio by its own API: a Gateway with TLS, a VirtualService for both of Hoop's ports, and what is spoken behind it.

use super::Asked;
use super::kubernetes::service;

/// Manifests for `kubectl apply -f -`, in the gateway's namespace.
pub(super) fn istio(asked: &Asked) -> String {
    let host = &asked.host;
    let grpc = asked.grpc();
    let secret = asked.certificate.as_deref().unwrap_or("hoopgateway-tls");
    let service = service(asked);
    let names = |indent: &str| match grpc == host {
        true => format!("{indent}- {host}"),
        false => format!("{indent}- {host}\n{indent}- {grpc}"),
    };
    let (served, routed) = (names("    "), names("  "));
    let tls = match asked.tls_upstream {
        true => {
            "    # The gateway has TLS on both ports; its certificate is signed by itself, and can't be verified.
    tls:
      mode: SIMPLE
      insecureSkipVerify: true
"
        }
        false => "",
    };
    let port_tls = tls.replace("\n    ", "\n      ").replacen("    ", "      ", 1);
    format!(
        r#"# Hoop behind Istio: https://{host} for REST and the web page, grpcs://{grpc}:443 for agents and clients.
apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: hoopgateway
spec:
  selector:
    # The labels of the ingress gateway, as it was installed.
    istio: ingressgateway
  servers:
  - port:
      number: 443
      name: https
      # Istio offers HTTP/2 by itself here, without which gRPC can't begin.
      protocol: HTTPS
    tls:
      mode: SIMPLE
      # A secret of the type kubernetes.io/tls with exactly this name, in the namespace of the ingress gateway.
      credentialName: {secret}
      minProtocolVersion: TLSV1_2
    hosts:
{served}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: hoopgateway
spec:
  hosts:
{routed}
  gateways:
  - hoopgateway
  http:
  # First, or the next route takes it. All methods: Connect, PreConnect and HealthCheck.
  - name: grpc
    match:
    - uri:
        prefix: /protobuf.Transport/
    # No `timeout`: without it there is none, and a stream of an agent never ends.
    # Istio would retry twice, and a stream can't be sent again.
    retries:
      attempts: 0
    route:
    - destination:
        host: {service}
        port:
          number: 8010
  - name: rest
    match:
    - uri:
        prefix: /
    route:
    - destination:
        host: {service}
        port:
          number: 8009
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: hoopgateway
spec:
  host: {service}
  trafficPolicy:
{tls}    portLevelSettings:
    - port:
        number: 8010
{port_tls}      connectionPool:
        http:
          # HTTP/2 towards the gRPC port, whatever the Service calls it.
          h2UpgradePolicy: UPGRADE
"#
    )
}
