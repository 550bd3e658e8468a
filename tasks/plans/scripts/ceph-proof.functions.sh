# What is made here, in the namespace SPACE, has the label sanqian-proof=$KIND, and goes however the proof ends.
# A shell that a cancel ends by TERM runs its EXIT trap only where TERM has a trap too.
trap 'exit 143' TERM
clean() { kubectl delete job,pvc -n "$SPACE" -l "sanqian-proof=$KIND" --ignore-not-found --wait --timeout=120s >/dev/null 2>&1 || :; }
# IMAGE_OF is words: no quotes around it.
image() { kubectl get $IMAGE_OF -n "$SPACE" -o "jsonpath=$IMAGE_AT"; }
# run_job NAME COMMAND VOLUME MORE: a job of an image that Ceph needs itself, so that the registry has it.
run_job() {
  kubectl apply -f - <<JOB
apiVersion: batch/v1
kind: Job
metadata: {name: $1, namespace: $SPACE, labels: {sanqian-proof: $KIND}}
spec:
  backoffLimit: 2
  template:
    metadata: {labels: {sanqian-proof: $KIND}}
    spec:
      restartPolicy: Never
      containers:
      - name: proof
        image: $(image)
        command: [sh, -euc, "$2"]
$4
$3
JOB
  within "$WAIT" ended "$1" && [ "$(count "$1" succeeded)" = 1 ] && return
  kubectl describe pods -n "$SPACE" -l "job-name=$1" | tail -n 25 || :
  kubectl logs -n "$SPACE" -l "job-name=$1" --tail=20 || :
  fail "The proof of $CLASS failed in the job $1." "Read its events and log above; what it had made was taken away."
}
count() { kubectl get job "$1" -n "$SPACE" -o "jsonpath={.status.$2}"; }
ended() { [ "$(count "$1" succeeded)" = 1 ] || [ "$(count "$1" failed)" = 3 ]; }
bound() { [ "$(kubectl get "$1" "sanqian-proof-$KIND" -n "$SPACE" -o 'jsonpath={.status.phase}')" = Bound ]; }
await_bound() {
  within "$WAIT" bound "$1" && return
  kubectl describe "$1" "sanqian-proof-$KIND" -n "$SPACE" | tail -n 15 || :
  fail "A claim of $CLASS was not bound for $WAIT seconds." "Read its events above, and the provisioner's log in the namespace $SPACE."
}
