#!/usr/bin/env bash
# Upgrades the agent, then checks with kubernetes-job.yaml that it reaches its gateway. Where both are installed, the
# exit code is the check's, and 3 as well where no pod ran to the end.
#
#   HOOP_DOCTOR_IMAGE=registry.example.com/hoop-doctor:1 ./kubernetes-job.sh --values values.yaml
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

helm upgrade hoopagent hoopagent-chart --install --wait --timeout 5m "$@"

# With its pods, so that the exit code of the last run isn't there any more.
kubectl delete job hoop-doctor --ignore-not-found --cascade=foreground
sed "s|HOOP_DOCTOR_IMAGE|${HOOP_DOCTOR_IMAGE:?}|" kubernetes-job.yaml | kubectl apply --filename -

# The log while it is written. It may end before the pod does, and where no pod runs there is none.
kubectl logs job/hoop-doctor --follow --pod-running-timeout 1m || true

# `kubectl wait` waits for one condition, in vain where the other comes. The pod says how it ended; it is asked for as
# long as the Job may take.
exit_code='{.items[*].status.containerStatuses[*].state.terminated.exitCode}'
for _ in {1..240}; do
    code=$(kubectl get pod --selector job-name=hoop-doctor --output "jsonpath=$exit_code") || true
    if [[ -n $code ]]; then
        exit "$code"
    fi
    sleep 1
done
echo "no pod of job/hoop-doctor ran to the end: kubectl describe job,pod --selector app.kubernetes.io/name=hoop-doctor" >&2
exit 3
