#!/usr/bin/env bash
# Upgrades the agent, then checks with kubernetes-job.yaml that it reaches its gateway, and fails if it doesn't.
#
#   HOOP_DOCTOR_IMAGE=registry.example.com/hoop-doctor:1 ./kubernetes-job.sh --values values.yaml
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

helm upgrade hoopagent hoopagent-chart --install --wait --timeout 5m "$@"

kubectl delete job hoop-doctor --ignore-not-found
sed "s|HOOP_DOCTOR_IMAGE|${HOOP_DOCTOR_IMAGE:?}|" kubernetes-job.yaml | kubectl apply --filename -

# The log while it is written, which ends with the pod; then the Job has only to be told.
kubectl logs job/hoop-doctor --follow --pod-running-timeout 1m
kubectl wait job/hoop-doctor --for condition=complete --timeout 30s
