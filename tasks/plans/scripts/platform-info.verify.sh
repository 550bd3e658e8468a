info_held || fail "The ConfigMap cpod-info does not hold what was written." "Find out who else writes it: kubectl get configmap cpod-info -n cpod-system --show-managed-fields -o yaml."
