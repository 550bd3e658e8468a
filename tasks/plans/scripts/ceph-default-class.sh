kubectl get storageclass "$CLASS" >/dev/null || fail "There is no StorageClass $CLASS." "Run the step component-rook-ceph-cluster again."
kubectl annotate storageclass "$CLASS" "$MARK=true" --overwrite
for class in $(defaults); do
  [ "$class" = "$CLASS" ] || kubectl annotate storageclass "$class" "$MARK=false" --overwrite
done
