directory=$ARTIFACT/packages/apt-source
if [ -n "$COPIED_BY" ]; then
  home=$(getent passwd "$COPIED_BY" | cut -d : -f 6)
  directory=/var/lib/sanqian/apt-source
  rm -rf "$directory"
  mkdir -p /var/lib/sanqian
  mv "$home/.sanqian-apt-source/apt-source" "$directory"
  chown -R root:root "$directory"
  chmod -R a+rX "$directory"
fi
[ -d "$directory" ] || fail "There are no packages in $directory." "Run the phase artifact."
command -v docker >/dev/null || fail "$SANQIAN_HOST has no docker, which the registry's installation brings." "Run the phase registry."
docker rm -f apt-source >/dev/null 2>&1 || :
docker run -d --restart=always --name apt-source -p 8080:80 -v "$directory:/usr/share/nginx/html:ro" "$IMAGE"
