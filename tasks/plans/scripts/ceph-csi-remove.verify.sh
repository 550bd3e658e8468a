left=$(kubectl get storageclass -o 'jsonpath={range .items[*]}{.metadata.name}|{.provisioner}{"\n"}{end}' | sed -n "s/|$DRIVER\$//p" | tr '\n' ' ')
[ -z "$left" ] || printf 'these StorageClasses name the driver that is gone: %s\n' "$left"
gone || fail "The release $NAME or the namespace $SPACE is still there." "Find out what makes it anew."
