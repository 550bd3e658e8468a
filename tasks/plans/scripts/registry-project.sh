code=$(http POST /api/v2.0/projects "{\"project_name\": \"$PROJECT\", \"public\": true}")
case $code in
  201) printf 'made the project %s\n' "$PROJECT" ;;
  409) printf 'the project %s exists already\n' "$PROJECT" ;;
  *) fail "The registry did not make the project $PROJECT (HTTP $code)." "Check that the user $REGISTRY_USER administers the registry." ;;
esac
