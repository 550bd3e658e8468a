set -- "$PACKAGE_DIRECTORY"/*.deb
[ -e "$1" ] || fail "There are no packages in $PACKAGE_DIRECTORY on $SANQIAN_HOST." "Run the step packages-copy first."
command -v dpkg >/dev/null || fail "$SANQIAN_HOST has no dpkg." "Use Debian or Ubuntu."
printf 'installing %s packages\n' "$#"
# Another program (unattended upgrades) may hold dpkg's lock for a while.
export DEBIAN_FRONTEND=noninteractive
tries=0
until said=$(dpkg --force-confold --skip-same-version -i "$@" 2>&1); do
  printf '%s\n' "$said"
  tries=$((tries + 1))
  case $said in *lock*) [ "$tries" -lt 60 ] || fail "dpkg's lock is held by another program." "Wait for its end and retry." ;;
    *) fail "dpkg could not install the packages." "Read dpkg's message above; 'dpkg --configure -a' mends a broken state." ;;
  esac
  sleep 5
done
printf '%s\n' "$said"
