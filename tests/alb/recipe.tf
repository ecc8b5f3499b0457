# The load balancer of a Hoop gateway. Agents and clients use grpcs://hoop.example.com:443, browsers https://hoop.example.com.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.60"
    }
  }
}

variable "vpc_id" {
  type = string
}

variable "subnet_ids" {
  description = "Subnets in at least two availability zones"
  type        = list(string)
}

variable "security_group_ids" {
  description = "Lets clients in at 443, and the balancer out to 8009 and 8010 of the gateway"
  type        = list(string)
}

variable "certificate_arn" {
  description = "A certificate for hoop.example.com"
  type        = string
}

variable "gateway_address" {
  description = "The private IP address of gateway.internal; a target can't be a name"
  type        = string
}

resource "aws_lb" "hoop" {
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
}

# A balancer speaks HTTP/2 with clients over TLS alone.
resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.hoop.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = var.certificate_arn

  # TLS 1.3, and 1.2 for what is older.
  ssl_policy = "ELBSecurityPolicy-TLS13-1-2-2021-06"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.rest.arn
  }
}

resource "aws_lb_listener_rule" "grpc" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 1

  # All methods of the service: embedded agents and `hoop run` call more than Connect.
  condition {
    path_pattern {
      values = ["/protobuf.Transport/*"]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.grpc.arn
  }
}

resource "aws_lb_target_group" "rest" {
  name        = "hoop-rest"
  vpc_id      = var.vpc_id
  target_type = "ip"
  port        = 8009
  protocol    = "HTTP"

  # WebSockets need HTTP/1.
  protocol_version = "HTTP1"

  health_check {
    protocol = "HTTP"
    # Every other path is answered by the web app, with 200 even where the gateway is unwell.
    path    = "/api/healthz"
    matcher = "200"
  }
}

resource "aws_lb_target_group" "grpc" {
  name        = "hoop-grpc"
  vpc_id      = var.vpc_id
  target_type = "ip"
  port        = 8010
  protocol    = "HTTP"

  # HTTP1, the default, answers every gRPC call with 464.
  protocol_version = "GRPC"

  health_check {
    protocol = "HTTP"
    # The gateway's own method; the default path is answered with status 12, which says only that something is there.
    path    = "/protobuf.Transport/HealthCheck"
    matcher = "0"
  }
}

resource "aws_lb_target_group_attachment" "rest" {
  target_group_arn = aws_lb_target_group.rest.arn
  target_id        = var.gateway_address
  port             = 8009
}

# One gateway: an agent is known to the one that it is connected to.
resource "aws_lb_target_group_attachment" "grpc" {
  target_group_arn = aws_lb_target_group.grpc.arn
  target_id        = var.gateway_address
  port             = 8010
}

output "dns_name" {
  description = "Where hoop.example.com has to lead"
  value       = aws_lb.hoop.dns_name
}
