"""Deploys a recipe of CloudFormation into a mock of AWS with AWS's own CLI, and keeps what `describe` shows.

    deploy.py TEMPLATE FOLDER

Runs in the environment that `.ci/setup` makes. Everything stays on this machine: the mock listens on loopback at a port of
the system's choice, and the credentials are made up.

The mock's CloudFormation takes the template, but leaves out attributes, targets and the protocol version. So the same
resources are made a second time, by the calls that CloudFormation would make; the CLI refuses what AWS's API doesn't have.
What `describe` shows is that second balancer.
"""

import json
import os
import pathlib
import subprocess
import sys

from cfnlint.decode.cfn_yaml import load

BIN = pathlib.Path(sys.executable).parent
ELB = "AWS::ElasticLoadBalancingV2::"
ARN = {
    "LoadBalancers": "LoadBalancerArn",
    "TargetGroups": "TargetGroupArn",
    "Listeners": "ListenerArn",
    "Rules": "RuleArn",
}


def main(template, folder):
    with Mock() as mock:
        parameters = mock.network() | {"GatewayAddress": "10.0.1.10"}
        mock.aws(
            "cloudformation", "deploy", "--stack-name", "hoop", "--template-file", template,
            "--parameter-overrides", *(f"{key}={value}" for key, value in parameters.items()),
        )
        balancer = make(mock, load(template)["Resources"], parameters)
        for name, output in mock.describe(balancer):
            (pathlib.Path(folder) / name).write_text(json.dumps(output, indent=2) + "\n")


def make(mock, resources, parameters):
    """Makes the resources of a template one by one; the ARN of the balancer."""
    names = dict(parameters)

    def elb(call, values):
        return mock.aws("elbv2", call, "--cli-input-json", json.dumps(values))

    def of(kind):
        return [(name, one["Properties"]) for name, one in resources.items() if one["Type"] == ELB + kind]

    def made(name, output):
        [(kind, [one])] = output.items()
        names[name] = one[ARN[kind]]
        return names[name]

    for name, values in of("LoadBalancer"):
        values = resolved(values, names)
        attributes = values.pop("LoadBalancerAttributes")
        balancer = made(name, elb("create-load-balancer", {"Name": "hoop"} | values))
        elb("modify-load-balancer-attributes", {"LoadBalancerArn": balancer, "Attributes": attributes})
    for name, values in of("TargetGroup"):
        values = resolved(values, names)
        targets = values.pop("Targets")
        group = made(name, elb("create-target-group", {"Name": f"hoop-{name.lower()}"} | values))
        elb("register-targets", {"TargetGroupArn": group, "Targets": targets})
    for name, values in of("Listener"):
        made(name, elb("create-listener", resolved(values, names)))
    for name, values in of("ListenerRule"):
        made(name, elb("create-rule", resolved(values, names)))
    return balancer


def resolved(value, names):
    """The value with what its references stand for; text that AWS's API has as a number or a list becomes one."""
    match value:
        case {"Ref": name}:
            text = names[name]
            return text.split(",") if name.endswith("Ids") else text
        case dict():
            return {key: resolved(one, names) for key, one in value.items()}
        case list():
            return [resolved(one, names) for one in value]
        case _:
            return value


class Mock:
    """A server that answers like AWS, as long as it is needed."""

    def __enter__(self):
        self.server = subprocess.Popen(
            [BIN / "moto_server", "-H", "127.0.0.1", "-p", "0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        # It says where it listens, once it does.
        for line in self.server.stderr:
            if "Running on " in line:
                self.url = line.split("Running on ")[1].strip()
                return self
        sys.exit("the mock of AWS doesn't start")

    def __exit__(self, *_):
        self.server.kill()
        self.server.wait()

    def aws(self, *arguments):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
        }
        done = subprocess.run(
            [BIN / "aws", *arguments], env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if done.returncode != 0:
            sys.exit(f"aws {' '.join(arguments)}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout

    def network(self):
        vpc = self.aws("ec2", "create-vpc", "--cidr-block", "10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            self.aws(
                "ec2", "create-subnet", "--vpc-id", vpc, "--cidr-block", f"10.0.{number}.0/24",
                "--availability-zone", f"eu-central-1{zone}",
            )["Subnet"]["SubnetId"]
            for number, zone in ((1, "a"), (2, "b"))
        ]
        group = self.aws("ec2", "create-security-group", "--vpc-id", vpc, "--group-name", "hoop", "--description", "hoop")
        certificate = self.aws("acm", "request-certificate", "--domain-name", "hoop.example.com")
        return {
            "VpcId": vpc,
            "SubnetIds": ",".join(subnets),
            "SecurityGroupIds": group["GroupId"],
            "CertificateArn": certificate["CertificateArn"],
        }

    def describe(self, balancer):
        """The names of files, and what belongs into them."""
        balancers = self.aws("elbv2", "describe-load-balancers", "--load-balancer-arns", balancer)
        listeners = self.aws("elbv2", "describe-listeners", "--load-balancer-arn", balancer)
        groups = self.aws("elbv2", "describe-target-groups", "--load-balancer-arn", balancer)
        yield "load-balancers.json", balancers
        yield "listeners.json", listeners
        yield "target-groups.json", groups
        yield "attributes.json", self.aws("elbv2", "describe-load-balancer-attributes", "--load-balancer-arn", balancer)
        for number, listener in enumerate(listeners["Listeners"]):
            rules = self.aws("elbv2", "describe-rules", "--listener-arn", listener["ListenerArn"])
            yield f"rules-{number}.json", rules
        for group in groups["TargetGroups"]:
            arn = group["TargetGroupArn"]
            health = self.aws("elbv2", "describe-target-health", "--target-group-arn", arn)
            yield f"health-{group['Port']}.json", health


if __name__ == "__main__":
    main(*sys.argv[1:])
