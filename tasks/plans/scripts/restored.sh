# set_to NAME: what the service noted in STAGE/settings, lines "name value".
set_to() { sed -n "s/^$1 //p" "$STAGE/settings"; }
etcd_env() { sed -n "s/^$1=//p" /etc/etcd.env | tail -n 1 | tr -d "\"'"; }
data=$(etcd_env ETCD_DATA_DIR)
data=${data:-/var/lib/etcd}
# Inside the data directory, which may be a file system of its own.
fresh=$data/restoring
aside() { printf '%s/member.before-restore-%s' "$data" "$(set_to stamp)"; }
# The old data are put aside only when the new ones are complete: what lies aside tells how far this host is.
restored() { [ -d "$(aside)" ] && [ -d "$data/member" ] && [ ! -e "$fresh" ]; }
