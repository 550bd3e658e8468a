gone "$KINDS" && for class in $CLASSES; do ! kubectl get storageclass "$class" >/dev/null 2>&1 || exit 1; done
