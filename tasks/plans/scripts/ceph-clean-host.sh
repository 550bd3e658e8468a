clean_disks
rm -rf "$ROOK"
rm -f "$CLAIMS" "${CLAIMS%/*}/values.yaml"
