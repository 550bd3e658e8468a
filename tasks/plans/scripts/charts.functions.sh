# Of helm-charts/gpu-operator-v23.3.1.tgz: gpu-operator and v23.3.1.
chart_name() { basename "$1" .tgz | sed -E 's/-v?[0-9]+\.[0-9].*$//'; }
chart_version() { name=$(chart_name "$1"); base=$(basename "$1" .tgz); printf %s "${base#"$name"-}"; }
# Charts of the artifact that the repository does not have.
charts_missing() {
  helm repo update harbor >/dev/null 2>&1 || helm repo update >/dev/null || return
  has=$(helm search repo harbor --versions --devel -o json | tr -d ' \n' | sed 's/{/\n{/g')
  for chart in "$ARTIFACT"/helm-charts/*.tgz; do
    [ -e "$chart" ] || continue
    printf '%s\n' "$has" | grep -F "\"name\":\"harbor/$(chart_name "$chart")\"" |
      grep -q -F "\"version\":\"$(chart_version "$chart")\"" || printf '%s\n' "$chart"
  done
}
