//! Gateway API: a Gateway with TLS, one HTTPRoute for both of Hoop's ports, and the protocol of the gRPC port.

use super::Asked;
use super::kubernetes::service;

/// Manifests for `kubectl apply -f -`, in the gateway's namespace.
pub(super) fn gateway_api(asked: &Asked) -> String {
    let host = &asked.host;
    let grpc = asked.grpc();
    let secret = asked.certificate.as_deref().unwrap_or("hoopgateway-tls");
    let service = service(asked);
    let hostnames = match grpc == host {
        true => format!("  - {host}"),
        false => format!("  - {host}\n  - {grpc}"),
    };
    let policy = match asked.tls_upstream {
        true => UPSTREAM_TLS.replace("@SERVICE@", service),
        false => String::new(),
    };
    format!(
        r#"# Hoop behind Gateway API: https://{host} for REST and the web page, grpcs://{grpc}:443 for agents and clients.
# The secret {secret} is of the type kubernetes.io/tls, in the namespace of this Gateway.
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: hoopgateway
spec:
  # The class of what is installed: `kubectl get gatewayclass`.
  gatewayClassName: istio
  listeners:
  - name: https
    # TLS ends here, and offers HTTP/2, without which gRPC can't begin.
    port: 443
    protocol: HTTPS
    tls:
      mode: Terminate
      certificateRefs:
      - name: {secret}
    allowedRoutes:
      namespaces:
        from: Same
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: hoopgateway
spec:
  parentRefs:
  - name: hoopgateway
    sectionName: https
  # One route for both: a GRPCRoute may not share its hosts with an HTTPRoute.
  hostnames:
{hostnames}
  rules:
  # All methods: Connect, PreConnect and HealthCheck. No timeouts and no retry: a stream of an agent never ends, and can't be sent again.
  - matches:
    - path:
        type: PathPrefix
        value: /protobuf.Transport
    backendRefs:
    - name: hoopgateway-grpc
      port: 8010
  - matches:
    - path:
        type: PathPrefix
        value: /
    backendRefs:
    - name: {service}
      port: 8009
---
# A Service of its own for gRPC: the one of Hoop's chart doesn't say what is spoken, and HTTP/1 would be.
apiVersion: v1
kind: Service
metadata:
  name: hoopgateway-grpc
spec:
  selector:
    app: hoopgateway
  ports:
  - name: grpc
    port: 8010
    targetPort: 8010
    # HTTP/2 towards the gateway, which Istio reads from the port's name too.
    appProtocol: kubernetes.io/h2c
{policy}"#
    )
}

const UPSTREAM_TLS: &str = r"---
# TLS towards the gateway. This API always verifies: give the gateway a certificate for this name (TLS_CERT, TLS_KEY)
# instead of the one that it signs by itself, and put its CA into the ConfigMap.
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata:
  name: hoopgateway
spec:
  targetRefs:
  # With TLS on the gateway both of its ports have it.
  - group: ''
    kind: Service
    name: hoopgateway-grpc
  - group: ''
    kind: Service
    name: @SERVICE@
    sectionName: http
  validation:
    hostname: hoopgateway
    caCertificateRefs:
    - group: ''
      kind: ConfigMap
      name: hoopgateway-ca
";
