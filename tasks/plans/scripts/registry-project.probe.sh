[ "$(http GET "/api/v2.0/projects/$PROJECT" 2>/dev/null)" = 200 ]
