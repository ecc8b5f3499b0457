//! Known-good configuration for each proxy, filled in: text with a reason at each line that matters.
//!
//! A recipe is what its proxy takes as it is. Every one of them is started for real in the tests where that is possible.

use std::path::Path;

use clap::ValueEnum;

mod alb;
mod apache;
mod caddy;
mod envoy;
mod gateway_api;
mod haproxy;
mod ingress_nginx;
mod istio;
mod kubernetes;
mod nginx;
mod traefik;

/// A recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Recipe {
    /// nginx with REST and gRPC on one port.
    Nginx,
    /// nginx with a port for each.
    NginxTwoPorts,
    /// Two Ingresses for ingress-nginx.
    IngressNginx,
    /// Gateway API: a Gateway and its routes.
    GatewayApi,
    /// Istio's own Gateway and VirtualService.
    Istio,
    /// AWS ALB as a CloudFormation template.
    #[value(alias = "alb-cloudformation")]
    Alb,
    /// AWS ALB for Terraform.
    AlbTerraform,
    /// Envoy.
    Envoy,
    /// HAProxy.
    Haproxy,
    /// Caddy.
    Caddy,
    /// Apache httpd.
    Apache,
    /// Traefik.
    Traefik,
}

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

impl Recipe {
    /// Its text.
    pub fn text(self, asked: &Asked) -> String {
        match self {
            Self::Nginx => nginx::single_port(asked),
            Self::NginxTwoPorts => nginx::two_ports(asked),
            Self::IngressNginx => ingress_nginx::ingress_nginx(asked),
            Self::GatewayApi => gateway_api::gateway_api(asked),
            Self::Istio => istio::istio(asked),
            Self::Alb => alb::cloudformation(asked),
            Self::AlbTerraform => alb::terraform(asked),
            Self::Envoy => envoy::envoy(asked),
            Self::Haproxy => haproxy::haproxy(asked),
            Self::Caddy => caddy::caddy(asked),
            Self::Apache => apache::apache(asked),
            Self::Traefik => traefik::traefik(asked),
        }
    }
}

impl Asked {
    /// The host of gRPC.
    pub fn grpc(&self) -> &str {
        self.grpc_host.as_deref().unwrap_or(&self.host)
    }

    /// A port of the gateway as an address: `gateway:8010`, `[fd00::1]:8010`.
    fn at(&self, port: u16) -> String {
        match self.gateway.contains(':') && !self.gateway.starts_with('[') {
            true => format!("[{}]:{port}", self.gateway),
            false => format!("{}:{port}", self.gateway),
        }
    }
}

impl Default for Asked {
    /// The names that stand for the reader's own.
    fn default() -> Self {
        Self {
            host: "gateway.example.com".to_owned(),
            grpc_host: None,
            certificate: None,
            gateway: "10.0.0.10".to_owned(),
            tls_upstream: false,
        }
    }
}

/// The key of a certificate, by the names that both usually have.
fn key_beside(certificate: &str) -> String {
    let path = Path::new(certificate);
    let key = match path.file_name().is_some_and(|name| name == "fullchain.pem") {
        true => path.with_file_name("privkey.pem"),
        false => path.with_extension("key"),
    };
    key.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::key_beside;

    #[test]
    fn the_key_lies_beside_the_certificate() {
        for (certificate, key) in [
            ("/a/fullchain.pem", "/a/privkey.pem"),
            ("/a/tls.crt", "/a/tls.key"),
            ("/a/x", "/a/x.key"),
        ] {
            assert_eq!(key_beside(certificate), key);
        }
    }
}
