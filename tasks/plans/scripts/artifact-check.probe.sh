[ -z "$(layout "$ARTIFACT")" ]
