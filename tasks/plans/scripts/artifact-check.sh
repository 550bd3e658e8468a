need_layout "$ARTIFACT"
