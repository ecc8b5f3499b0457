//! An application load balancer of AWS: a template of CloudFormation, and the same for Terraform.
//!
//! What differs from account to account is a parameter: the network, the certificate, and the gateway's address.

use std::net::IpAddr;

use super::Asked;

/// A template for `aws cloudformation deploy`.
pub(super) fn cloudformation(asked: &Asked) -> String {
    let Asked { host, gateway, .. } = asked;
    let names = names(asked);
    let protocol = protocol(asked);
    let certificate = default(asked.certificate.as_deref());
    let address = default(address(asked));
    let conditions = match &asked.grpc_host {
        Some(grpc) => format!(
            "
        - Field: host-header
          HostHeaderConfig:
            Values: [\"{grpc}\"]"
        ),
        None => String::new(),
    };
    format!(
        r#"# The load balancer of a Hoop gateway. Agents and clients use grpcs://{grpc}:443, browsers https://{host}.
#
#   aws cloudformation deploy --stack-name hoop-balancer --template-file FILE --parameter-overrides \
#     VpcId=vpc-… SubnetIds=subnet-…,subnet-… SecurityGroupIds=sg-… CertificateArn=arn:… GatewayAddress=10.…
AWSTemplateFormatVersion: "2010-09-09"
Description: The load balancer of the Hoop gateway {host}

Parameters:
  VpcId:
    Type: AWS::EC2::VPC::Id
  SubnetIds:
    Type: List<AWS::EC2::Subnet::Id>
    Description: Subnets in at least two availability zones
  SecurityGroupIds:
    Type: List<AWS::EC2::SecurityGroup::Id>
    Description: Lets clients in at 443, and the balancer out to 8009 and 8010 of the gateway
  CertificateArn:
    Type: String
    Description: A certificate for {names}{certificate}
  GatewayAddress:
    Type: String
    Description: The private IP address of {gateway}; a target can't be a name{address}

Resources:
  Balancer:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    Properties:
      Type: application
      Scheme: internet-facing
      Subnets: !Ref SubnetIds
      SecurityGroups: !Ref SecurityGroupIds
      LoadBalancerAttributes:
        # A session that waits for an approval is silent; after the default of 60 seconds it would be cut. 4000 is the most.
        - Key: idle_timeout.timeout_seconds
          Value: "4000"
        # A week, the most: at this age connections are replaced.
        - Key: client_keep_alive.seconds
          Value: "604800"
        # gRPC needs HTTP/2.
        - Key: routing.http2.enabled
          Value: "true"
        # Hoop's HOOP_KEY header has an underscore, and would be dropped as invalid.
        - Key: routing.http.drop_invalid_header_fields.enabled
          Value: "false"

  # A balancer speaks HTTP/2 with clients over TLS alone.
  Https:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !Ref Balancer
      Port: 443
      Protocol: HTTPS
      # TLS 1.3, and 1.2 for what is older.
      SslPolicy: ELBSecurityPolicy-TLS13-1-2-2021-06
      Certificates:
        - CertificateArn: !Ref CertificateArn
      DefaultActions:
        - Type: forward
          TargetGroupArn: !Ref Rest

  GrpcRule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !Ref Https
      Priority: 1
      Conditions:
        # All methods of the service: embedded agents and `hoop run` call more than Connect.
        - Field: path-pattern
          PathPatternConfig:
            Values: ["/protobuf.Transport/*"]{conditions}
      Actions:
        - Type: forward
          TargetGroupArn: !Ref Grpc

  Rest:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties:
      VpcId: !Ref VpcId
      TargetType: ip
      Protocol: {protocol}
      # WebSockets need HTTP/1.
      ProtocolVersion: HTTP1
      Port: 8009
      HealthCheckProtocol: {protocol}
      # Every other path is answered by the web app, with 200 even where the gateway is unwell.
      HealthCheckPath: /api/healthz
      Matcher:
        HttpCode: "200"
      Targets:
        - Id: !Ref GatewayAddress
          Port: 8009

  Grpc:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties:
      VpcId: !Ref VpcId
      TargetType: ip
      Protocol: {protocol}
      # HTTP1, the default, answers every gRPC call with 464.
      ProtocolVersion: GRPC
      Port: 8010
      HealthCheckProtocol: {protocol}
      # The gateway's own method; the default path is answered with status 12, which says only that something is there.
      HealthCheckPath: /protobuf.Transport/HealthCheck
      Matcher:
        GrpcCode: "0"
      # One gateway: an agent is known to the one that it is connected to.
      Targets:
        - Id: !Ref GatewayAddress
          Port: 8010

Outputs:
  DnsName:
    Description: Where {names} has to lead
    Value: !GetAtt Balancer.DNSName
"#,
        grpc = asked.grpc(),
    )
}

/// A module for Terraform.
pub(super) fn terraform(asked: &Asked) -> String {
    let Asked { host, gateway, .. } = asked;
    let names = names(asked);
    let protocol = protocol(asked);
    let default = |value: Option<&str>| value.map_or(String::new(), |value| format!("\n  default     = \"{value}\""));
    let certificate = default(asked.certificate.as_deref());
    let address = default(address(asked));
    let conditions = match &asked.grpc_host {
        Some(grpc) => format!(
            "

  condition {{
    host_header {{
      values = [\"{grpc}\"]
    }}
  }}"
        ),
        None => String::new(),
    };
    format!(
        r#"# The load balancer of a Hoop gateway. Agents and clients use grpcs://{grpc}:443, browsers https://{host}.

terraform {{
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = ">= 5.60"
    }}
  }}
}}

variable "vpc_id" {{
  type = string
}}

variable "subnet_ids" {{
  description = "Subnets in at least two availability zones"
  type        = list(string)
}}

variable "security_group_ids" {{
  description = "Lets clients in at 443, and the balancer out to 8009 and 8010 of the gateway"
  type        = list(string)
}}

variable "certificate_arn" {{
  description = "A certificate for {names}"
  type        = string{certificate}
}}

variable "gateway_address" {{
  description = "The private IP address of {gateway}; a target can't be a name"
  type        = string{address}
}}

resource "aws_lb" "hoop" {{
  name               = "hoop"
  load_balancer_type = "application"
  internal           = false
  subnets            = var.subnet_ids
  security_groups    = var.security_group_ids

  # A session that waits for an approval is silent; after the default of 60 seconds it would be cut. 4000 is the most.
  idle_timeout = 4000

  # A week, the most: at this age connections are replaced.
  client_keep_alive = 604800

  # gRPC needs HTTP/2.
  enable_http2 = true

  # Hoop's HOOP_KEY header has an underscore, and would be dropped as invalid.
  drop_invalid_header_fields = false
}}

# A balancer speaks HTTP/2 with clients over TLS alone.
resource "aws_lb_listener" "https" {{
  load_balancer_arn = aws_lb.hoop.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = var.certificate_arn

  # TLS 1.3, and 1.2 for what is older.
  ssl_policy = "ELBSecurityPolicy-TLS13-1-2-2021-06"

  default_action {{
    type             = "forward"
    target_group_arn = aws_lb_target_group.rest.arn
  }}
}}

resource "aws_lb_listener_rule" "grpc" {{
  listener_arn = aws_lb_listener.https.arn
  priority     = 1

  # All methods of the service: embedded agents and `hoop run` call more than Connect.
  condition {{
    path_pattern {{
      values = ["/protobuf.Transport/*"]
    }}
  }}{conditions}

  action {{
    type             = "forward"
    target_group_arn = aws_lb_target_group.grpc.arn
  }}
}}

resource "aws_lb_target_group" "rest" {{
  name        = "hoop-rest"
  vpc_id      = var.vpc_id
  target_type = "ip"
  port        = 8009
  protocol    = "{protocol}"

  # WebSockets need HTTP/1.
  protocol_version = "HTTP1"

  health_check {{
    protocol = "{protocol}"
    # Every other path is answered by the web app, with 200 even where the gateway is unwell.
    path    = "/api/healthz"
    matcher = "200"
  }}
}}

resource "aws_lb_target_group" "grpc" {{
  name        = "hoop-grpc"
  vpc_id      = var.vpc_id
  target_type = "ip"
  port        = 8010
  protocol    = "{protocol}"

  # HTTP1, the default, answers every gRPC call with 464.
  protocol_version = "GRPC"

  health_check {{
    protocol = "{protocol}"
    # The gateway's own method; the default path is answered with status 12, which says only that something is there.
    path    = "/protobuf.Transport/HealthCheck"
    matcher = "0"
  }}
}}

resource "aws_lb_target_group_attachment" "rest" {{
  target_group_arn = aws_lb_target_group.rest.arn
  target_id        = var.gateway_address
  port             = 8009
}}

# One gateway: an agent is known to the one that it is connected to.
resource "aws_lb_target_group_attachment" "grpc" {{
  target_group_arn = aws_lb_target_group.grpc.arn
  target_id        = var.gateway_address
  port             = 8010
}}

output "dns_name" {{
  description = "Where {names} has to lead"
  value       = aws_lb.hoop.dns_name
}}
"#,
        grpc = asked.grpc(),
    )
}

/// The hosts that the balancer is for.
fn names(asked: &Asked) -> String {
    match &asked.grpc_host {
        Some(grpc) => format!("{} and {grpc}", asked.host),
        None => asked.host.clone(),
    }
}

/// The protocol towards the gateway. A balancer doesn't verify the certificate of a target, which may sign itself.
fn protocol(asked: &Asked) -> &'static str {
    if asked.tls_upstream { "HTTPS" } else { "HTTP" }
}

/// The gateway, where it is an address.
fn address(asked: &Asked) -> Option<&str> {
    let gateway = asked.gateway.as_str();
    gateway.parse::<IpAddr>().is_ok().then_some(gateway)
}

/// A parameter that is known already.
fn default(value: Option<&str>) -> String {
    value.map_or(String::new(), |value| format!("\n    Default: \"{value}\""))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{cloudformation, terraform};
    use crate::recipes::Asked;

    /// The files that `tests/alb/check` hands to cfn-lint, Terraform and a mock of AWS.
    fn golden() -> Vec<(&'static str, String)> {
        let plain = Asked {
            host: "hoop.example.com".to_owned(),
            grpc_host: None,
            certificate: None,
            gateway: "gateway.internal".to_owned(),
            tls_upstream: false,
        };
        let full = Asked {
            grpc_host: Some("grpc.example.com".to_owned()),
            certificate: Some(
                "arn:aws:acm:eu-central-1:123456789012:certificate/0f0e0d0c-0b0a-0908-0706-050403020100".to_owned(),
            ),
            gateway: "10.0.1.10".to_owned(),
            tls_upstream: true,
            ..plain.clone()
        };
        vec![
            ("recipe.yaml", cloudformation(&plain)),
            ("recipe-two-hosts-tls.yaml", cloudformation(&full)),
            ("recipe.tf", terraform(&plain)),
            ("recipe-two-hosts-tls.tf", terraform(&full)),
        ]
    }

    #[test]
    fn recipes_are_those_that_are_checked() {
        for (name, recipe) in golden() {
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/alb").join(name);
            if std::env::var_os("UPDATE_CASES").is_some() {
                fs::write(&path, &recipe).expect("tests/alb is there");
            }
            let kept = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(kept, recipe, "{name}: UPDATE_CASES=1 writes it anew");
        }
    }
}
