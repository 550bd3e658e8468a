# The kubelet ends static pods whose manifests go. Scheduler and controllers go too: they must not act on what they
# remember of the time after the snapshot.
mkdir -p "$HELD"
for name in kube-apiserver kube-controller-manager kube-scheduler; do
  [ ! -e "/etc/kubernetes/manifests/$name.yaml" ] || mv "/etc/kubernetes/manifests/$name.yaml" "$HELD/"
done
[ -e "$HELD/kube-apiserver.yaml" ] || fail "$SANQIAN_HOST has no /etc/kubernetes/manifests/kube-apiserver.yaml: its API server cannot be stopped this way." \
  "Is it a host of the control plane? Correct the role group control-plane."
stopped() {
  for process in /proc/[0-9]*; do
    case $(tr '\0' ' ' <"$process/cmdline" 2>/dev/null) in
      'kube-apiserver --'* | */kube-apiserver' --'*) return 1 ;;
    esac
  done
}
within "$WAIT" stopped || fail "The API server of $SANQIAN_HOST still runs $WAIT seconds after its manifest was taken away." \
  "See whether its kubelet runs: journalctl -u kubelet; crictl ps. Then retry."
printf 'stopped; its manifests wait in %s\n' "$HELD"
