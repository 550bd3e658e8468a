nodes=$(kubectl get nodes --no-headers) || fail "The cluster does not answer, so nothing can leave it." "Bring the control plane back first."
state=$(printf '%s\n' "$nodes" | awk -v name="$NODE" '$1 == name { print $2 }')
printf 'node %s: %s\n' "$NODE" "${state:-not in the cluster}"
# In any namespace: Rook may run a Ceph of somebody else's.
osds=$(kubectl get deployments -A -l app=rook-ceph-osd -o \
  'jsonpath={range .items[*]}{.metadata.name} {.spec.template.spec.nodeSelector.kubernetes\.io/hostname}{"\n"}{end}' |
  awk -v name="$NODE" '$2 == name { printf "%s ", $1 }')
pods=$(kubectl get pods -A -l app=rook-ceph-osd --field-selector "spec.nodeName=$NODE" -o 'jsonpath={.items[*].metadata.name}')
[ -z "$osds$pods" ] || fail "$NODE holds data of Ceph: ${osds:-$pods}" \
  "Name all of its OSDs in osds (--osd N): their data is moved first. Or use the operation ceph-remove-osd. Where the Ceph is not of this service, remove them as Rook's manual says."
case $state in
  '' | Ready*) ;;
  *) [ "$FORCE" = yes ] || fail "$NODE is $state: its pods cannot be seen to their end." \
    "Bring the host back; if it is dead for good, remove it with force." ;;
esac
