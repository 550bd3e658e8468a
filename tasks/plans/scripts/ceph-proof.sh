# A volume of CLASS is bound, written by one pod, read back by another, and deleted.
clean
trap clean EXIT
word=$(date +%s)-$SANQIAN_HOST
kubectl apply -f - <<CLAIM
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: sanqian-proof-$KIND, namespace: $SPACE, labels: {sanqian-proof: $KIND}}
spec:
  storageClassName: $CLASS
  accessModes: [$MODE]
  resources: {requests: {storage: 1Gi}}
CLAIM
await_bound pvc
progress 30 "the claim is bound"
volume="      volumes: [{name: proof, persistentVolumeClaim: {claimName: sanqian-proof-$KIND}}]"
mount="        volumeMounts: [{name: proof, mountPath: /proof}]"
run_job "sanqian-proof-$KIND-write" "echo $word >/proof/word && sync" "$volume" "$mount"
kubectl delete job "sanqian-proof-$KIND-write" -n "$SPACE" --wait >/dev/null
progress 60 "written"
run_job "sanqian-proof-$KIND-read" "grep -qx $word /proof/word" "$volume" "$mount"
printf 'a volume of %s was bound, written, and read back\n' "$CLASS"
