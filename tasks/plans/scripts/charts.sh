enter
missing=$(charts_missing)
count=$(printf '%s\n' "$missing" | grep -c . || :)
number=0
for chart in $missing; do
  number=$((number + 1))
  progress $((number * 95 / (count + 1))) "pushing chart $number of $count"
  helm cm-push "$chart" harbor --force $([ ! -r "$CERTIFICATE" ] || printf %s "--ca-file $CERTIFICATE")
done
