only_default || fail "The default StorageClasses are: $(defaults | tr '\n' ' '), not $CLASS alone." "Find out who else sets the annotation $MARK."
