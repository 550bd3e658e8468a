MARK='storageclass.kubernetes.io/is-default-class'
defaults() { kubectl get storageclass -o 'jsonpath={range .items[*]}{.metadata.name}|{.metadata.annotations.storageclass\.kubernetes\.io/is-default-class}{"\n"}{end}' | sed -n 's/|true$//p'; }
only_default() { [ "$(defaults)" = "$CLASS" ]; }
