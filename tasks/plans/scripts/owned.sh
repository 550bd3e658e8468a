# kk resets every host of its configuration without asking whose it is.
owner=$(cat /var/lib/sanqian/cluster 2>/dev/null || :)
case $owner in
  "$OWNER" | '') ;;
  *) fail "$SANQIAN_HOST belongs to another cluster ($owner): it is left alone." "Take it out of this cluster's registry." ;;
esac
